# SPDX-License-Identifier: MIT
# inih, which parses configuration files, and where these lie: /etc for /usr, else etc in the prefix.

find_package(PkgConfig REQUIRED)
pkg_check_modules(inih IMPORTED_TARGET inih)
if(NOT inih_FOUND)
   message(FATAL_ERROR "No inih. Install the package libinih-dev (./dev setup does).")
endif()

# Where it is installed: a path in the prefix, which an installation may change, but for /usr.
set(VP_CONFIG_DIR ${CMAKE_INSTALL_SYSCONFDIR}/venus-plus)
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
   set(VP_CONFIG_DIR ${CMAKE_INSTALL_FULL_SYSCONFDIR}/venus-plus)
endif()

# vp_install_config(FILE): installs a configuration there, but not over one that somebody has changed.
function(vp_install_config file)
   get_filename_component(name ${file} NAME)
   get_filename_component(source ${file} ABSOLUTE)
   install(CODE "
      if(IS_ABSOLUTE \"${VP_CONFIG_DIR}\")
         set(folder \"${VP_CONFIG_DIR}\")
      else()
         set(folder \"\${CMAKE_INSTALL_PREFIX}/${VP_CONFIG_DIR}\")
      endif()
      set(present \"\$ENV{DESTDIR}\${folder}/${name}\")
      set(ours)
      set(theirs)
      if(EXISTS \"\${present}\")
         file(SHA256 \"${source}\" ours)
         file(SHA256 \"\${present}\" theirs)
      endif()
      if(\"\${ours}\" STREQUAL \"\${theirs}\")
         file(INSTALL \"${source}\" DESTINATION \"\${folder}\")
      endif()")
endfunction()
