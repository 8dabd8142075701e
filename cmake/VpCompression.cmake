# SPDX-License-Identifier: MIT
# LZ4 and zstd, which memory traffic is compressed with.

foreach(name lz4 zstd)
   find_path(${name}_INCLUDE_DIR ${name}.h)
   find_library(${name}_LIBRARY ${name})
   mark_as_advanced(${name}_INCLUDE_DIR ${name}_LIBRARY)
   if(NOT ${name}_INCLUDE_DIR OR NOT ${name}_LIBRARY)
      message(FATAL_ERROR "No ${name}. Install the package lib${name}-dev (./dev setup does).")
   endif()
endforeach()
