/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_CORE_HOST_MEMORY_H
#define VP_SERVER_CORE_HOST_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* What the process has of the machine's memory, whoever in it took that: the server for what it keeps of objects,
 * recordings and mappings, or the driver. It is the kernel's number and measured from time to time. Any thread may call
 * these. */

enum vps_host_memory {
   VPS_HOST_MEMORY_THERE,
   VPS_HOST_MEMORY_SHORT, /* the client should wait for answers from now on */
   VPS_HOST_MEMORY_FULL,  /* the quota is used up: nothing that takes more */
};

enum vps_host_memory vps_host_memory_look(void);

/* Commands of so many bytes have been executed. */
void vps_host_memory_note(size_t bytes);

/* Something was freed: what is said next is measured. */
void vps_host_memory_note_freed(void);

/* Recordings of so many bytes more are kept, or fewer. Drivers may keep them where the kernel does not count: then it
 * is these bytes that count. */
void vps_host_memory_note_recorded(int64_t change);

/* So much of it is device memory, which has a quota of its own: of a GPU that the CPU plays. */
void vps_host_memory_is_device_memory(int64_t change);

#endif
