# SPDX-License-Identifier: MIT
# Which Vulkan registry is built from when nobody names one.

# The number that each version of Vulkan's registry has; 0 for what is no registry. The first one in the file is Vulkan's,
# Vulkan SC has its own further down.
function(vp_registry_number file result)
   set(number 0)
   if(EXISTS "${file}")
      file(STRINGS "${file}" lines REGEX "#define <name>VK_HEADER_VERSION</name>" LIMIT_COUNT 1)
      if(lines MATCHES "</name> ([0-9]+)<")
         set(number ${CMAKE_MATCH_1})
      endif()
   endif()
   set(${result} ${number} PARENT_SCOPE)
endfunction()

# The system's, or the one that tools/registry has put beside the sources, if it is newer.
function(vp_newest_registry beside system result)
   vp_registry_number("${beside}" beside_number)
   vp_registry_number("${system}" system_number)
   if(beside_number GREATER system_number)
      set(${result} "${beside}" PARENT_SCOPE)
   else()
      set(${result} "${system}" PARENT_SCOPE)
   endif()
endfunction()
