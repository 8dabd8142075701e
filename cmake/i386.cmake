# SPDX-License-Identifier: MIT
# Toolchain file: the driver for 32-bit programs (Wine, old games), built on a 64-bit PC by a compiler that can do both.

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR i686)
if(NOT DEFINED CMAKE_C_COMPILER)
   find_program(VP_I386_COMPILER NAMES i686-linux-gnu-gcc gcc)
   set(CMAKE_C_COMPILER ${VP_I386_COMPILER})
endif()
# Files may be large; SSE2 has every processor that runs 64-bit programs, too, and numbers are what they are there.
set(CMAKE_C_FLAGS_INIT "-m32 -msse2 -mfpmath=sse -D_FILE_OFFSET_BITS=64 -Wno-psabi")
set(CMAKE_LIBRARY_ARCHITECTURE i386-linux-gnu)
include(${CMAKE_CURRENT_LIST_DIR}/root.cmake)
set(CMAKE_INSTALL_LIBDIR lib32 CACHE PATH "Where libraries are installed")
