# Warnings and hardening flags of every target.
add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Werror=vla $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>)
add_compile_options(-fstack-protector-strong -fstack-clash-protection -fcf-protection)
add_link_options(-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed)
if(CTGATE_SANITIZE)
  add_compile_options(-fsanitize=${CTGATE_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${CTGATE_SANITIZE})
else()
  # _FORTIFY_SOURCE needs optimisation and does not go with the sanitizers.
  add_compile_options($<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE>
                      $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-ftrivial-auto-var-init=zero)
  endif()
endif()
include(CheckPIESupported)
check_pie_supported()
