/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_COMMAND_NAMES_H
#define VP_CLIENT_COMMAND_NAMES_H

#include <stdint.h>

/* The Vulkan name of a wire command. */
const char *vp_command_name(uint32_t number);

#endif
