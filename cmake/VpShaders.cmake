# SPDX-License-Identifier: MIT
# Compute shaders that are built into programs.

find_program(GLSLANG_VALIDATOR glslangValidator)
mark_as_advanced(GLSLANG_VALIDATOR)
if(NOT GLSLANG_VALIDATOR AND (VP_TEST_APP OR (VP_TOOLS AND VP_SERVER)))
   message(FATAL_ERROR "No glslangValidator. Install the package glslang-tools (./dev setup does), or build without what "
                       "has shaders: -DVP_TESTS=OFF -DVP_TOOLS=OFF -DVP_TEST_APP=OFF.")
endif()
if(NOT GLSLANG_VALIDATOR AND VP_SERVER AND VP_H264)
   message(WARNING "glslangValidator is not installed, so the server's processors, not its GPU, convert the colours of "
                   "windows for H.264.")
endif()

# vp_compile_shader(SOURCE NAME HEADER OPTION...): makes a header that defines the shader's words as the array NAME.
function(vp_compile_shader source name header)
   get_filename_component(folder ${header} DIRECTORY)
   file(MAKE_DIRECTORY ${folder})
   add_custom_command(
      OUTPUT ${header}
      COMMAND ${GLSLANG_VALIDATOR} -V --quiet ${ARGN} --vn ${name} -o ${header} ${source}
      DEPENDS ${source}
      COMMENT "Compiling shader ${source}"
      VERBATIM)
endfunction()
