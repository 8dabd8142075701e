# SPDX-License-Identifier: MIT
# Installing the driver's manifest, and the target `uninstall`.

option(VP_PACKAGE "For makers of packages: the installed manifest leaves it to the dynamic linker where the driver is" OFF)

# vp_install_manifest(TEMPLATE NAME LIBRARY): the manifest names the library by the path that it is installed at, which is
# known when that is done (cmake --install DIR --prefix PREFIX); in a package by its name alone.
function(vp_install_manifest template name library)
   set(library_path ${library})
   if(NOT VP_PACKAGE)
      set(library_path @library_folder@/${library})
   endif()
   set(unfinished ${CMAKE_CURRENT_BINARY_DIR}/${name}.in)
   configure_file(${template} ${unfinished} @ONLY)
   install(CODE "
      get_filename_component(prefix \"\${CMAKE_INSTALL_PREFIX}\" ABSOLUTE)
      get_filename_component(library_folder \"${CMAKE_INSTALL_LIBDIR}\" ABSOLUTE BASE_DIR \"\${prefix}\")
      get_filename_component(folder \"${CMAKE_INSTALL_DATADIR}/vulkan/icd.d\" ABSOLUTE BASE_DIR \"\${prefix}\")
      set(manifest \"${CMAKE_CURRENT_BINARY_DIR}/installed/${name}\")
      # It may be of another user, who has installed it before.
      file(REMOVE \"\${manifest}\")
      configure_file(\"${unfinished}\" \"\${manifest}\" @ONLY)
      file(INSTALL \"\${manifest}\" DESTINATION \"\${folder}\")")
endfunction()

# vp_install_completion(PROGRAM...): what bash completes their command lines with: one file for all, which it looks for by
# the program's name.
function(vp_install_completion)
   foreach(program ${ARGN})
      install(FILES ${PROJECT_SOURCE_DIR}/tools/completion.bash
         DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME ${program})
   endforeach()
endfunction()

configure_file(${CMAKE_CURRENT_LIST_DIR}/VpUninstall.cmake.in ${PROJECT_BINARY_DIR}/uninstall.cmake @ONLY)
add_custom_target(uninstall COMMAND ${CMAKE_COMMAND} -P ${PROJECT_BINARY_DIR}/uninstall.cmake VERBATIM)
