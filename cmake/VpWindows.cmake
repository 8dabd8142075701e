# SPDX-License-Identifier: MIT
# The window systems that the driver can present to. Only headers are needed: the libraries are opened at run time.

option(VP_X11 "Windows of X11 (needs the headers of libxcb1-dev, libxcb-shm0-dev, libxcb-present-dev)" ON)
option(VP_WAYLAND "Windows of Wayland (needs the headers of libwayland-dev)" ON)

# vp_find_window_system(OPTION HEADER...): sets OPTION_INCLUDE_DIR, or switches the option off when a header is missing.
function(vp_find_window_system option)
   if(NOT ${option})
      return()
   endif()
   foreach(header ${ARGN})
      string(MAKE_C_IDENTIFIER ${header} name)
      find_path(${option}_${name} ${header})
      mark_as_advanced(${option}_${name})
      if(NOT ${option}_${name})
         message(WARNING "${header} is not installed, so ${option} is off: the driver will not offer such windows.")
         set(${option} OFF PARENT_SCOPE)
         return()
      endif()
      set(${option}_INCLUDE_DIR ${${option}_${name}} PARENT_SCOPE)
   endforeach()
endfunction()

vp_find_window_system(VP_X11 xcb/xcb.h xcb/shm.h xcb/present.h)
vp_find_window_system(VP_WAYLAND wayland-client.h)
