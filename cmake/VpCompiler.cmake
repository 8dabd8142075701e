# SPDX-License-Identifier: MIT
# Compiler and linker flags for every target.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

add_compile_definitions(_GNU_SOURCE VP_VERSION="${PROJECT_VERSION}")
add_compile_options(-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla)
if(VP_WERROR)
   add_compile_options(-Werror)
endif()

add_link_options(LINKER:--as-needed)
if(VP_SANITIZE)
   add_compile_options(-fsanitize=${VP_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
   add_link_options(-fsanitize=${VP_SANITIZE})
   # There are many programs, which it links in a third of the time.
   find_program(VP_LLD ld.lld)
   mark_as_advanced(VP_LLD)
   if(VP_LLD)
      add_link_options(-fuse-ld=lld)
   endif()
   if(CMAKE_C_COMPILER_ID MATCHES "Clang" AND VP_SANITIZE MATCHES "address")
      # One runtime for programs and the driver in them, as with gcc; programs of others load it before the driver.
      execute_process(
         COMMAND ${CMAKE_C_COMPILER} -print-file-name=libclang_rt.asan-${CMAKE_SYSTEM_PROCESSOR}.so
         OUTPUT_VARIABLE vp_runtime OUTPUT_STRIP_TRAILING_WHITESPACE)
      get_filename_component(vp_runtime_dir ${vp_runtime} DIRECTORY)
      add_link_options(-shared-libsan LINKER:-rpath,${vp_runtime_dir})
   endif()
else()
   # Fortified string functions need an optimising build and hide errors from the sanitizers.
   add_compile_options($<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-D_FORTIFY_SOURCE=2> -fstack-protector-strong)
   add_link_options(LINKER:-z,relro,-z,now)
endif()

# Lines of the target are counted if VP_COVERAGE says so. The counters are in a file that all processes of a program
# map, so that those that are killed or end at once leave them, too.
function(vp_count_lines target)
   if(VP_COVERAGE)
      target_compile_options(${target} PRIVATE
         -fprofile-instr-generate=${PROJECT_BINARY_DIR}/coverage/%m%c.profraw -fcoverage-mapping
         "SHELL:-mllvm -runtime-counter-relocation")
      target_link_options(${target} PUBLIC -fprofile-instr-generate)
   endif()
endfunction()

if(VP_FUZZ)
   add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Sanitizers and counters of lines do in a process what its sandbox would refuse.
if(VP_SANITIZE OR VP_COVERAGE)
   add_compile_definitions(VP_INSTRUMENTED="${PROJECT_BINARY_DIR}")
endif()
