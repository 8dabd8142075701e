# SPDX-License-Identifier: MIT
# The headers that belong to the Vulkan registry, and the loader.

if(NOT EXISTS "${VP_REGISTRY}")
   message(FATAL_ERROR "No Vulkan registry at \"${VP_REGISTRY}\". Install the package libvulkan-dev (./dev setup does), "
                       "or name another vk.xml with -DVP_REGISTRY=FILE.")
endif()
vp_registry_number("${VP_REGISTRY}" vp_registry_number)
if(vp_registry_number EQUAL 0)
   message(FATAL_ERROR "\"${VP_REGISTRY}\" is not a Vulkan registry: it defines no VK_HEADER_VERSION.")
endif()

# A registry from elsewhere comes with headers of the same version: beside it as in the Vulkan-Headers repository, or
# in the same prefix. These are for all processors.
get_filename_component(vp_registry_dir "${VP_REGISTRY}" DIRECTORY)
if(NOT VP_REGISTRY STREQUAL vp_system_registry)
   find_path(Vulkan_INCLUDE_DIR vulkan/vulkan.h
      PATHS ${vp_registry_dir}/../include ${vp_registry_dir}/../../../include
      NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
endif()
find_path(Vulkan_INCLUDE_DIR vulkan/vulkan.h
   HINTS ${vp_registry_dir}/../../../include
   DOC "Directory of vulkan/vulkan.h; same version as VP_REGISTRY")
find_package(Vulkan REQUIRED)

file(STRINGS ${Vulkan_INCLUDE_DIR}/vulkan/vulkan_core.h vp_lines REGEX "^#define VK_HEADER_VERSION")
if(NOT vp_lines MATCHES "VK_HEADER_VERSION ([0-9]+).*VK_MAKE_API_VERSION\\(0, ([0-9]+), ([0-9]+),")
   message(FATAL_ERROR "Cannot find the version in \"${Vulkan_INCLUDE_DIR}/vulkan/vulkan_core.h\".")
endif()
if(NOT CMAKE_MATCH_1 EQUAL vp_registry_number)
   message(FATAL_ERROR "The registry \"${VP_REGISTRY}\" is of version ${vp_registry_number}, the headers in "
                       "\"${Vulkan_INCLUDE_DIR}\" of ${CMAKE_MATCH_1}. Name the matching headers with "
                       "-DVulkan_INCLUDE_DIR=DIR.")
endif()
# For everything, and before the folders of other libraries, which may have headers of another Vulkan.
include_directories(SYSTEM ${Vulkan_INCLUDE_DIR})
set(VP_VULKAN_VERSION ${CMAKE_MATCH_2}.${CMAKE_MATCH_3}.${CMAKE_MATCH_1} CACHE INTERNAL "Version of Vulkan that is built from")
message(STATUS "Vulkan ${VP_VULKAN_VERSION}, registry ${VP_REGISTRY}")
