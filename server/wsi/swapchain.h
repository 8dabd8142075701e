/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_WSI_SWAPCHAIN_H
#define VP_SERVER_WSI_SWAPCHAIN_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

#include "common/net/limits.h"
#include "common/picture/tiles.h"
#include "server/wsi/codec_chooser.h"

struct vps_converter;
struct vps_device;
struct vps_encoder;
struct vps_image;
struct vps_object;
struct vps_queue;

/* What VK_IMAGE_LAYOUT_PRESENT_SRC_KHR is here, where the device need not have VK_KHR_swapchain: what is presented is
 * copied. */
#define VPS_PRESENT_LAYOUT VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL

/* Buffers that there may be beside one for each image: so many more frames may be on their way in FIFO modes. With one
 * more there is always one that is free, or, since an image cannot be presented again before it was copied, holds a
 * picture that may be dropped. */
#define VPS_EXTRA_SLOTS (VP_PRESENT_EXTRA_FRAMES + 1)
#define VPS_PICTURE_SLOTS (VP_MAX_SWAPCHAIN_IMAGES + VPS_EXTRA_SLOTS)

enum vps_slot_state {
   VPS_SLOT_FREE,
   VPS_SLOT_QUEUED,  /* the GPU copies into it, or it waits to be sent */
   VPS_SLOT_SENDING, /* the present thread reads it */
};

/* A buffer that a picture is copied into. It is made when it is needed first. */
struct vps_slot {
   VkBuffer buffer;
   VkDeviceMemory memory;
   VkDeviceSize size; /* of that */
   const uint8_t *pixels;
   const uint8_t *planes; /* of the same picture, made by the GPU; NULL: it did not */
   bool coherent;
   enum vps_slot_state state;
   bool replaces; /* what waits before it may be dropped */
   uint64_t frame, value;
   int64_t arrival_ns;
};

/* Command buffers for the queues of one family, recorded when they are needed first. */
struct vps_copier {
   struct vps_copier *next;
   uint32_t family;
   VkCommandPool pool;
   VkCommandBuffer copies[VPS_PICTURE_SLOTS][VP_MAX_SWAPCHAIN_IMAGES];
   VkCommandBuffer conversions[VPS_PICTURE_SLOTS][VP_MAX_SWAPCHAIN_IMAGES]; /* copies that make planes too */
};

/* The server's part of a VkSwapchainKHR: what is presented is copied to the host by the queue it is presented on, and a
 * thread sends it. The swapchain proper is the client's. */
struct vps_swapchain {
   struct vps_device *device;
   struct vps_object *object;
   struct vps_swapchain *next; /* of the device */
   uint64_t id;
   uint32_t codecs;  /* that the client decodes; 0: it wants no pictures */
   unsigned quality; /* of lossy ones */
   bool always_lossy;
   bool video;                /* H.264 is possible */
   struct vp_picture picture; /* what the client has; of the present thread */
   const struct vps_image *images[VP_MAX_SWAPCHAIN_IMAGES];
   uint32_t image_count, slot_count;

   VkSemaphore timeline;          /* reaches the value of each copy when that is complete */
   uint64_t value;                /* of the last copy; of the executing thread, as are: */
   const struct vps_queue *queue; /* that it is on; NULL: there was none */
   uint64_t serial;               /* of its batch there */
   struct vps_copier *copiers;
   struct vps_converter *converter; /* NULL: not needed, or not yet, or not possible */
   bool converter_tried;

   struct vps_encoder *encoder; /* of the thread */
   pthread_t thread;
   pthread_mutex_t lock; /* of what follows */
   pthread_cond_t changed;
   struct vps_slot slots[VPS_PICTURE_SLOTS]; /* a slot that is being sent belongs to the thread */
   uint64_t bare_frame, bare_value; /* the newest frame without picture that the client was not told of; 0: none */
   struct vps_codec_chooser chooser;
   bool stop;
};

/* For the executing thread: a copy of an image, to be submitted to a queue. It must then be queued, after a
 * successful submission, or cancelled. */
struct vps_present {
   struct vps_swapchain *swapchain;
   struct vps_slot *slot;    /* NULL: no picture is sent, because nobody wants it or there is no memory */
   VkCommandBuffer commands; /* NULL: same */
   uint64_t frame;
   uint64_t value; /* that the submission must give the swapchain's timeline */
   bool waits;     /* the submission must wait for the value before it, which another queue gives */
};

struct vps_present vps_swapchain_prepare(struct vps_swapchain *swapchain, const struct vps_queue *queue, uint32_t image,
                                         uint64_t frame, bool replaces);
void vps_swapchain_queue(const struct vps_present *present);
void vps_swapchain_cancel(const struct vps_present *present);

/* Starts and ends the present thread. False when there is none. */
bool vps_presenter_start(struct vps_swapchain *swapchain);
void vps_presenter_stop(struct vps_swapchain *swapchain);

/* Whether something waits to be sent. */
bool vps_presenter_has_frame(struct vps_swapchain *swapchain);

#endif
