/* SPDX-License-Identifier: MIT */
#ifndef VP_UTIL_IDENTITY_H
#define VP_UTIL_IDENTITY_H

/* Who we say we are, to applications, to the other side and to ourselves.
 * VP_VERSION, the version of the project as a string, comes from the build. */

/* VkPhysicalDeviceDriverProperties of the client driver. The id is a private
 * value ("VPLS") far from the registered ones; the server knows its own driver
 * by it and never offers it. */
#define VP_DRIVER_NAME "venus-plus"
#define VP_VENUS_PLUS_DRIVER_ID 0x56504c53

/* The file that tells the Vulkan loader of it begins so. */
#define VP_MANIFEST_START "venus_icd."

#endif
