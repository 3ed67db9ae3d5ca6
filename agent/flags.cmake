# Compiler and linker flags of every C target, as one interface library. Each
# hardening flag is probed, so an older or another compiler still builds.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)

add_library(project_flags INTERFACE)
target_compile_options(project_flags INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
  -Wformat=2 -Wundef -Wvla -Wpointer-arith -Wwrite-strings -Wcast-qual)
target_compile_definitions(project_flags INTERFACE _GNU_SOURCE)
target_include_directories(project_flags INTERFACE ${CMAKE_CURRENT_SOURCE_DIR})
if(WARNINGS_AS_ERRORS)
  target_compile_options(project_flags INTERFACE -Werror)
endif()

function(flag_when_known flag)
  string(MAKE_C_IDENTIFIER "HAVE${flag}" name)
  check_c_compiler_flag(${flag} ${name})
  if(${name})
    target_compile_options(project_flags INTERFACE ${flag})
  endif()
endfunction()

if(SANITIZE)
  target_compile_options(project_flags INTERFACE
    -fsanitize=${SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  target_link_options(project_flags INTERFACE -fsanitize=${SANITIZE})
else()
  foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
      -ftrivial-auto-var-init=zero -fzero-call-used-regs=used-gpr)
    flag_when_known(${flag})
  endforeach()
  target_compile_options(project_flags INTERFACE
    $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE>
    $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=3>)
endif()
foreach(flag -fno-delete-null-pointer-checks -fno-strict-overflow)
  flag_when_known(${flag})
endforeach()
target_link_options(project_flags INTERFACE
  LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack)
if(FUZZING)
  target_compile_options(project_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(COVERAGE)
  target_compile_options(project_flags INTERFACE --coverage)
  target_link_options(project_flags INTERFACE --coverage)
endif()
if(STATIC)
  # No symbols and no tables for debuggers; no build id, which would differ where only paths do.
  target_compile_options(project_flags INTERFACE
    -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables)
  target_link_options(project_flags INTERFACE
    -static-pie LINKER:--gc-sections LINKER:--build-id=none LINKER:--strip-all)
  check_linker_flag(C LINKER:-z,pack-relative-relocs HAVE_PACKED_RELOCATIONS)
  if(HAVE_PACKED_RELOCATIONS)
    target_link_options(project_flags INTERFACE LINKER:-z,pack-relative-relocs)
  endif()
endif()

# The same source gives the same bytes, wherever it is checked out.
target_compile_options(project_flags INTERFACE -ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)
