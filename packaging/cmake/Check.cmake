# `cmake --build build --target check`: formatting, clang-tidy, shellcheck and the directions of #include lines; each
# also has its own target. A tool that is missing makes its target fail. `format` formats the sources.
add_custom_target(check)
file(GLOB_RECURSE CTGATE_SOURCES CONFIGURE_DEPENDS
     "${PROJECT_SOURCE_DIR}/policy/*.cc" "${PROJECT_SOURCE_DIR}/policy/*.hh" "${PROJECT_SOURCE_DIR}/daemon/*.cc"
     "${PROJECT_SOURCE_DIR}/daemon/*.hh" "${PROJECT_SOURCE_DIR}/shim/*.cc" "${PROJECT_SOURCE_DIR}/shim/*.hh"
     "${PROJECT_SOURCE_DIR}/tests/*.cc" "${PROJECT_SOURCE_DIR}/tests/*.hh")

# ctgate_add_check(NAME PROGRAM PACKAGES COMMAND...): the target NAME, which needs PROGRAM.
function(ctgate_add_check name program packages)
  if(program)
    add_custom_target(${name} COMMAND ${ARGN} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" USES_TERMINAL VERBATIM)
  else()
    add_custom_target(${name} COMMAND ${CMAKE_COMMAND} -E echo "${name} needs ${packages}; then run cmake again"
                      COMMAND ${CMAKE_COMMAND} -E false VERBATIM)
  endif()
endfunction()

# Other versions format differently and give other warnings; Debian 12 has 14.
find_program(CLANG_FORMAT NAMES clang-format-14 clang-format)
find_program(CLANG_TIDY NAMES clang-tidy-14 clang-tidy)
find_program(RUN_CLANG_TIDY NAMES run-clang-tidy-14 run-clang-tidy)
find_program(SHELLCHECK shellcheck)
find_program(PYTHON3 python3)
set(tidy ${RUN_CLANG_TIDY} -quiet -clang-tidy-binary ${CLANG_TIDY} -p "${PROJECT_BINARY_DIR}"
    # clang before 16 needs this in addition to g++'s -ftrivial-auto-var-init=zero; later ones ignore it.
    -extra-arg=-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang)
if(NOT CLANG_TIDY)
  set(RUN_CLANG_TIDY "")
endif()
# What `check` leaves out of .clang-tidy to save time: the analyzer takes half of the total; the second one as long as
# all others together where CLI11 is included; the rest search every header of the C++ library for what g++ warns about,
# or C++20 no longer has.
set(cheap -clang-analyzer-* -performance-unnecessary-value-param
    -bugprone-assert-side-effect -bugprone-misplaced-widening-cast -bugprone-multiple-statement-macro
    -bugprone-not-null-terminated-result -bugprone-reserved-identifier -bugprone-signed-char-misuse
    -bugprone-sizeof-expression -bugprone-stringview-nullptr -bugprone-suspicious-semicolon
    -bugprone-suspicious-string-compare -misc-definitions-in-headers -misc-misleading-identifier -misc-misplaced-const
    -misc-non-copyable-objects -misc-static-assert -misc-unconventional-assign-operator -misc-unused-using-decls
    -modernize-deprecated-ios-base-aliases -modernize-redundant-void-arg -modernize-replace-auto-ptr
    -modernize-replace-random-shuffle -modernize-use-bool-literals -modernize-use-noexcept
    -modernize-use-transparent-functors -modernize-use-uncaught-exceptions -modernize-use-using
    -performance-type-promotion-in-math-fn -readability-container-contains -readability-redundant-control-flow
    -readability-redundant-declaration)
list(JOIN cheap "," cheap)
set(tidied "${PROJECT_SOURCE_DIR}/(policy|daemon|shim)/.*\\.cc$")

ctgate_add_check(check-format "${CLANG_FORMAT}" "clang-format (Fedora: clang-tools-extra)"
                 ${CLANG_FORMAT} --dry-run --Werror ${CTGATE_SOURCES})
ctgate_add_check(format "${CLANG_FORMAT}" "clang-format (Fedora: clang-tools-extra)" ${CLANG_FORMAT} -i ${CTGATE_SOURCES})
ctgate_add_check(check-tidy "${RUN_CLANG_TIDY}" "clang-tidy (Fedora: clang-tools-extra)" ${tidy} -checks=${cheap}
                 ${tidied})
# All of .clang-tidy; takes three to four times as long.
ctgate_add_check(check-analyzer "${RUN_CLANG_TIDY}" "clang-tidy (Fedora: clang-tools-extra)" ${tidy} ${tidied})
ctgate_add_check(check-shellcheck "${SHELLCHECK}" "shellcheck (Fedora: ShellCheck)" "${PROJECT_SOURCE_DIR}/tests/lint/shell")
ctgate_add_check(check-includes "${PYTHON3}" "python3" ${PYTHON3} "${PROJECT_SOURCE_DIR}/tests/lint/includes"
                 COMMAND ${PYTHON3} "${PROJECT_SOURCE_DIR}/tests/lint/picture" --check)
add_dependencies(check check-format check-tidy check-shellcheck check-includes)
