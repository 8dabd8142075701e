# SPDX-License-Identifier: MIT
# libseccomp, by which the server's workers give up system calls.

find_path(seccomp_INCLUDE_DIR seccomp.h)
find_library(seccomp_LIBRARY seccomp)
mark_as_advanced(seccomp_INCLUDE_DIR seccomp_LIBRARY)
if(NOT seccomp_INCLUDE_DIR OR NOT seccomp_LIBRARY)
   message(FATAL_ERROR "No libseccomp. Install the package libseccomp-dev (./dev setup does).")
endif()
