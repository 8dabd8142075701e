/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_PIPELINE_CUBIN_H
#define VP_CLIENT_PIPELINE_CUBIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a parameter of a kernel lies among all of them. */
struct vp_cubin_parameter {
   uint16_t offset, size;
};

/* What the parameters of a kernel are, by the binary (CUDA's, an ELF file) that it is in. Returns how many there are,
 * of which `room` are stored; -1 where the binary does not say, or is none. */
int64_t vp_cubin_find_parameters(const uint8_t *data, size_t size, const char *kernel,
                                 struct vp_cubin_parameter *parameters, uint32_t room);

#endif
