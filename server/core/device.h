/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_CORE_DEVICE_H
#define VP_SERVER_CORE_DEVICE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/core/clear_state.h"
#include "server/core/reserve.h"
#include "server/vp_dispatch.h"

struct vps_context;
struct vps_frame_writer;
struct vps_memory;
struct vps_queue;
struct vps_swapchain;

/* Queues of one family that a device was created with. */
struct vps_queue_range {
   VkDeviceQueueCreateFlags flags;
   uint32_t family, count;
};

/* What the GPU has so many of; 0: none. */
struct vps_limits {
   uint32_t maxBoundDescriptorSets, maxColorAttachments, maxDescriptorBufferBindings, maxDiscardRectangles,
      maxPushConstantsSize, maxTransformFeedbackBuffers, maxVertexInputAttributes, maxVertexInputBindings, maxViewports,
      shaderGroupHandleCaptureReplaySize, shaderGroupHandleSize;
   size_t largest_descriptor; /* in a descriptor buffer */
   VkDeviceSize maxUniformBufferRange, minStorageBufferOffsetAlignment, minUniformBufferOffsetAlignment;
   VkPhysicalDeviceDeviceGeneratedCommandsPropertiesNV generated_nv;
#ifdef VK_EXT_device_generated_commands
   VkPhysicalDeviceDeviceGeneratedCommandsPropertiesEXT generated;
#endif
};

/* The state of a VkDevice. */
struct vps_device {
   struct vps_context *ctx; /* for the executing thread */
   struct vps_frame_writer *writer;
   uint64_t id;
   VkDevice handle;
   struct vps_device_functions functions;
   VkPhysicalDeviceMemoryProperties memory;
   struct vps_limits limits;
   VkDeviceSize atom;                             /* nonCoherentAtomSize */
   VkDeviceSize storage_limit;                    /* of a storage buffer's range */
   VkDescriptorRuleVP uniform_rule, storage_rule; /* that the client was told; they have to hold in its memory */
   uint64_t compute_families;                     /* a bit for each queue family that can */
   uint64_t copy_families;                        /* same */
   bool is_processor;                             /* the GPU is one that the CPU plays */
   bool inherits;                                 /* command buffers go on with what is bound in others */
   unsigned tally_gpu;                            /* its place where memory is counted (server/core/tally.h) */
   struct vps_queue_range *ranges;
   uint32_t range_count;
   uint64_t threads;                 /* one for each queue, taken from the quota */
   struct vps_swapchain *swapchains; /* of the executing thread */
   pthread_mutex_t report_lock;      /* what the queues have done is told by one thread at a time */
   struct vps_queue *queues;         /* changed under the lock, by the executing thread */

   pthread_mutex_t mapped_lock;
   struct vps_memory *mapped;              /* under the lock: all whose changes are followed */
   atomic_int scores[VK_MAX_MEMORY_TYPES]; /* how likely it is that changes in this memory type are looked at */

   struct vps_reserve reserve; /* of the executing thread */
   struct vps_clear clear;     /* same */
   VkResult late_error;        /* the next batch tells it; of the executing thread */

   atomic_bool lost; /* no submission completes any more */
   bool abandoned;   /* the GPU is still busy with it: the driver's objects must stay until the process ends */
};

/* Waits until the queues are idle, or for some seconds (then the device is abandoned), and ends their threads. */
void vps_device_stop(struct vps_device *device);

/* Submits a batch of the server's own to a queue, which may be one of the client's. For the executing thread. */
VkResult vps_device_submit(const struct vps_device *device, VkQueue handle, const VkSubmitInfo *info);

/* Whether a GPU has a device extension. */
bool vps_device_gpu_has(const struct vps_context *ctx, VkPhysicalDevice gpu, const char *name);

/* Adds an extension to those that a device is created with, if it is not there, in temporary memory of the command.
 * False without memory. */
bool vps_device_enable(struct vps_context *ctx, VkDeviceCreateInfo *info, const char *name);

#endif
