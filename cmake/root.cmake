# SPDX-License-Identifier: MIT
# For toolchain files. VP_ROOT: a folder with unpacked packages of CMAKE_LIBRARY_ARCHITECTURE; by default they are
# installed. What is built finds them there, and so does what they need themselves.

set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
if(VP_ROOT)
   list(APPEND CMAKE_FIND_ROOT_PATH ${VP_ROOT})
   string(APPEND CMAKE_C_FLAGS_INIT " -isystem ${VP_ROOT}/usr/include/${CMAKE_LIBRARY_ARCHITECTURE}")
   set(folders ${VP_ROOT}/usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}:${VP_ROOT}/lib/${CMAKE_LIBRARY_ARCHITECTURE})
   set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,--disable-new-dtags,-rpath,${folders}")
   set(ENV{PKG_CONFIG_SYSROOT_DIR} ${VP_ROOT})
   set(ENV{PKG_CONFIG_LIBDIR} ${VP_ROOT}/usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/pkgconfig:${VP_ROOT}/usr/share/pkgconfig)
endif()
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES VP_ROOT)
