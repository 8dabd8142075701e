# SPDX-License-Identifier: MIT
# What a person may set with -D. Everything else follows from these.

set(VP_SANITIZE "" CACHE STRING "Sanitizers to build with: empty, \"address,undefined\" or \"thread\"")
set_property(CACHE VP_SANITIZE PROPERTY STRINGS "" "address,undefined" "thread")
option(VP_WERROR "Treat compiler warnings as errors" OFF)
option(VP_COVERAGE "Count which lines run (needs clang)" OFF)
option(VP_FUZZ "Build the libFuzzer targets in tests/fuzz (needs clang)" OFF)
set(VP_REGISTRY "/usr/share/vulkan/registry/vk.xml" CACHE FILEPATH "The Vulkan registry that the protocol code is generated from")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
   set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, RelWithDebInfo or Debug" FORCE)
endif()

if(VP_COVERAGE AND NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
   message(FATAL_ERROR "VP_COVERAGE needs clang, but the compiler is ${CMAKE_C_COMPILER}. "
                       "Configure with CC=clang, or use the preset \"coverage\".")
endif()
if(VP_FUZZ AND NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
   message(FATAL_ERROR "VP_FUZZ needs clang, but the compiler is ${CMAKE_C_COMPILER}. "
                       "Configure with CC=clang, or use the preset \"fuzz\".")
endif()
