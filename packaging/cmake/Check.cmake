# `cmake --build build --target check`: formatting and clang-tidy over the project's own sources.
find_program(CLANG_FORMAT clang-format)
find_program(RUN_CLANG_TIDY NAMES run-clang-tidy run-clang-tidy-14)
file(GLOB_RECURSE CTGATE_SOURCES CONFIGURE_DEPENDS
     "${PROJECT_SOURCE_DIR}/policy/*.cc" "${PROJECT_SOURCE_DIR}/policy/*.hh" "${PROJECT_SOURCE_DIR}/daemon/*.cc"
     "${PROJECT_SOURCE_DIR}/daemon/*.hh" "${PROJECT_SOURCE_DIR}/shim/*.cc" "${PROJECT_SOURCE_DIR}/shim/*.hh"
     "${PROJECT_SOURCE_DIR}/tests/*.cc" "${PROJECT_SOURCE_DIR}/tests/*.hh")
add_custom_target(check)
if(CLANG_FORMAT)
  add_custom_target(check-format COMMAND ${CLANG_FORMAT} --dry-run --Werror ${CTGATE_SOURCES} VERBATIM)
  add_custom_target(format COMMAND ${CLANG_FORMAT} -i ${CTGATE_SOURCES} VERBATIM)
  add_dependencies(check check-format)
endif()
if(RUN_CLANG_TIDY)
  add_custom_target(check-tidy COMMAND ${RUN_CLANG_TIDY} -quiet -p "${PROJECT_BINARY_DIR}"
                    # clang before 16 wants this beside g++'s -ftrivial-auto-var-init=zero; later ones ignore it
                    -extra-arg=-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang
                    "${PROJECT_SOURCE_DIR}/(policy|daemon|shim)/.*\\.cc$" USES_TERMINAL VERBATIM)
  add_dependencies(check check-tidy)
endif()
