/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_LINK_COMMAND_NAMES_H
#define VP_CLIENT_LINK_COMMAND_NAMES_H

#include <stdbool.h>
#include <stdint.h>

/* The Vulkan name of a wire command. */
const char *vp_command_name(uint32_t number);

/* Whether it returns a VkResult. */
bool vp_command_has_result(uint32_t number);

#endif
