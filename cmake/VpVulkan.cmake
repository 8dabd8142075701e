# SPDX-License-Identifier: MIT
# The Vulkan registry, the headers that belong to it, and the loader.

if(NOT EXISTS "${VP_REGISTRY}")
   message(FATAL_ERROR "No Vulkan registry at \"${VP_REGISTRY}\". Install the package libvulkan-dev (./dev setup does), "
                       "or name another vk.xml with -DVP_REGISTRY=FILE.")
endif()

# A registry from elsewhere comes with headers of the same version: beside it as in the Vulkan-Headers repository, or
# in the same prefix.
get_filename_component(vp_registry_dir "${VP_REGISTRY}" DIRECTORY)
find_path(Vulkan_INCLUDE_DIR vulkan/vulkan.h
   HINTS ${vp_registry_dir}/../include ${vp_registry_dir}/../../../include
   DOC "Directory of vulkan/vulkan.h; same version as VP_REGISTRY")
find_package(Vulkan REQUIRED)

file(STRINGS ${Vulkan_INCLUDE_DIR}/vulkan/vulkan_core.h vp_lines REGEX "^#define VK_HEADER_VERSION")
if(NOT vp_lines MATCHES "VK_HEADER_VERSION ([0-9]+).*VK_MAKE_API_VERSION\\(0, ([0-9]+), ([0-9]+),")
   message(FATAL_ERROR "Cannot find the version in \"${Vulkan_INCLUDE_DIR}/vulkan/vulkan_core.h\".")
endif()
set(vp_header_patch ${CMAKE_MATCH_1})
set(VP_VULKAN_VERSION ${CMAKE_MATCH_2}.${CMAKE_MATCH_3}.${CMAKE_MATCH_1} CACHE INTERNAL "Version of the Vulkan headers")

# The first one is Vulkan's; Vulkan SC has its own further down.
file(STRINGS "${VP_REGISTRY}" vp_lines REGEX "#define <name>VK_HEADER_VERSION</name>" LIMIT_COUNT 1)
if(NOT vp_lines MATCHES "</name> ([0-9]+)<")
   message(FATAL_ERROR "\"${VP_REGISTRY}\" is not a Vulkan registry: it defines no VK_HEADER_VERSION.")
endif()
if(CMAKE_MATCH_1 GREATER vp_header_patch)
   message(FATAL_ERROR "The registry \"${VP_REGISTRY}\" is newer (${CMAKE_MATCH_1}) than the headers in "
                       "\"${Vulkan_INCLUDE_DIR}\" (${vp_header_patch}). Name the matching headers with "
                       "-DVulkan_INCLUDE_DIR=DIR.")
endif()
message(STATUS "Vulkan ${VP_VULKAN_VERSION}, registry ${VP_REGISTRY}")
