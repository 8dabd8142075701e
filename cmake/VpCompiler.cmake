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
else()
   # Fortified string functions need an optimising build and hide errors from the sanitizers.
   add_compile_options($<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-D_FORTIFY_SOURCE=2> -fstack-protector-strong)
   add_link_options(LINKER:-z,relro,-z,now)
endif()

if(VP_FUZZ)
   add_compile_options(-fsanitize=fuzzer-no-link)
endif()
