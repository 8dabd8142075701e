# SPDX-License-Identifier: MIT
# H.264 for the pictures of windows. Only headers are needed: the library is opened at run time.

option(VP_H264 "H.264 by libavcodec (needs the headers of libavcodec-dev and libavutil-dev)" ON)

if(VP_H264)
   find_path(VP_AVCODEC_INCLUDE_DIR libavcodec/avcodec.h)
   find_path(VP_AVUTIL_INCLUDE_DIR libavutil/frame.h)
   mark_as_advanced(VP_AVCODEC_INCLUDE_DIR VP_AVUTIL_INCLUDE_DIR)
   if(NOT VP_AVCODEC_INCLUDE_DIR OR NOT VP_AVUTIL_INCLUDE_DIR)
      message(WARNING "libavcodec/avcodec.h is not installed, so VP_H264 is off: windows on slow links will have JPEG.")
      set(VP_H264 OFF)
   endif()
endif()
