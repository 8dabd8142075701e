# SPDX-License-Identifier: MIT
# What a person may set with -D. Everything else follows from these.

set(VP_SANITIZE "" CACHE STRING "Sanitizers to build with: empty, \"address,undefined\" or \"thread\"")
set_property(CACHE VP_SANITIZE PROPERTY STRINGS "" "address,undefined" "thread")
option(VP_WERROR "Treat compiler warnings as errors" OFF)
option(VP_COVERAGE "Count which lines run (needs clang)" OFF)
option(VP_FUZZ "Build the libFuzzer targets in tests/fuzz (needs clang)" OFF)
option(VP_SERVER "The server with venus-ctl and venus-run, and all tests; without them the driver" ON)
option(VP_TEST_APP "The test application venus-test-app (needs libpng and glslang)" ON)
option(VP_TOOLS "What measures and imitates networks: venus-bench, venus-proxy and others (needs glslang)" ON)
option(VP_TESTS "What tests/run runs (needs all of the above)" ON)
option(VP_TLS "Connections with TLS (needs OpenSSL 3)" ON)
set(vp_system_registry "/usr/share/vulkan/registry/vk.xml")
vp_newest_registry("${PROJECT_SOURCE_DIR}/build-registry${vp_system_registry}" "${vp_system_registry}" vp_registry)
set(VP_REGISTRY "${vp_registry}" CACHE FILEPATH "The Vulkan registry that the protocol code is generated from")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
   set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, RelWithDebInfo or Debug" FORCE)
endif()

if(VP_TESTS AND VP_SERVER AND NOT (VP_TOOLS AND VP_TEST_APP))
   message(FATAL_ERROR "The tests use the tools and the test application: with VP_TOOLS=OFF or VP_TEST_APP=OFF, "
                       "configure with -DVP_TESTS=OFF, too.")
endif()
if(VP_FUZZ AND NOT VP_TESTS)
   message(FATAL_ERROR "The fuzz targets are tests: VP_FUZZ=ON needs VP_TESTS=ON.")
endif()
if(VP_COVERAGE AND NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
   message(FATAL_ERROR "VP_COVERAGE needs clang, but the compiler is ${CMAKE_C_COMPILER}. "
                       "Configure with CC=clang, or use the preset \"coverage\".")
endif()
if(VP_FUZZ AND NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
   message(FATAL_ERROR "VP_FUZZ needs clang, but the compiler is ${CMAKE_C_COMPILER}. "
                       "Configure with CC=clang, or use the preset \"asan\".")
endif()
