# SPDX-License-Identifier: MIT
# Compute shaders that are built into programs.

find_program(GLSLANG_VALIDATOR glslangValidator REQUIRED)
mark_as_advanced(GLSLANG_VALIDATOR)

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
