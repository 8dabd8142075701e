/* SPDX-License-Identifier: MIT */

/* A present copies the image into a buffer that the CPU can read, with command buffers that are recorded once for each
 * image and buffer; the buffer then goes to the presenter. */

#include "server/wsi/swapchain.h"

#include <stdlib.h>

#include "common/picture/h264.h"
#include "common/util/clock.h"
#include "common/util/format_block.h"
#include "common/util/log.h"
#include "server/core/context.h"
#include "server/core/device.h"
#include "server/core/device_memory.h"
#include "server/core/quota.h"
#include "server/memory/clear.h"
#include "server/memory/image.h"
#include "server/queue/queue.h"
#include "server/wsi/converter.h"

/* How long the last copies may take when the swapchain is destroyed. */
#define STOP_NS INT64_C(2000000000)

/* --- buffers --- */

/* The type of memory that the CPU reads fastest. UINT32_MAX: none will do. */
static uint32_t find_memory_type(const struct vps_device *device, uint32_t allowed)
{
   static const VkMemoryPropertyFlags wishes[] = {
      VK_MEMORY_PROPERTY_HOST_CACHED_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT,
      VK_MEMORY_PROPERTY_HOST_CACHED_BIT,
      0,
   };

   for (unsigned wish = 0; wish < sizeof(wishes) / sizeof(*wishes); wish++) {
      const VkMemoryPropertyFlags flags = wishes[wish] | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT;
      for (uint32_t i = 0; i < device->memory.memoryTypeCount; i++) {
         if ((allowed >> i & 1) && (device->memory.memoryTypes[i].propertyFlags & flags) == flags)
            return i;
      }
   }
   return UINT32_MAX;
}

static void finish_slot(const struct vps_device *device, struct vps_slot *slot)
{
   device->functions.DestroyBuffer(device->handle, slot->buffer, NULL);
   vps_device_memory_free(device, slot->memory, slot->size);
   slot->buffer = VK_NULL_HANDLE;
   slot->memory = VK_NULL_HANDLE;
}

static bool allocate(struct vps_device *device, struct vps_slot *slot, VkDeviceSize size)
{
   const struct vps_device_functions *functions = &device->functions;
   VkMemoryRequirements requirements;
   void *pixels;

   functions->GetBufferMemoryRequirements(device->handle, slot->buffer, &requirements);
   const uint32_t type = find_memory_type(device, requirements.memoryTypeBits);
   if (type == UINT32_MAX || requirements.size < size)
      return false;
   const VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .allocationSize = requirements.size,
      .memoryTypeIndex = type,
   };
   slot->size = info.allocationSize;
   if (vps_clear_allocate(device, &info, &slot->memory) < 0 ||
       functions->BindBufferMemory(device->handle, slot->buffer, slot->memory, 0) < 0 ||
       functions->MapMemory(device->handle, slot->memory, 0, VK_WHOLE_SIZE, 0, &pixels) < 0)
      return false;
   slot->pixels = pixels;
   slot->coherent = device->memory.memoryTypes[type].propertyFlags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
   return true;
}

/* Where H.264 is possible, a buffer has room for planes as well. */
static struct vps_converter *find_converter(struct vps_swapchain *swapchain)
{
   if (swapchain->video && !swapchain->converter_tried) {
      swapchain->converter_tried = true;
      swapchain->converter = vps_converter_create(swapchain->device, swapchain->picture.width,
                                                  swapchain->picture.height, swapchain->slot_count);
   }
   return swapchain->converter;
}

static bool init_slot(struct vps_swapchain *swapchain, struct vps_slot *slot)
{
   struct vps_device *device = swapchain->device;

   if (slot->buffer)
      return true;
   struct vps_converter *converter = find_converter(swapchain);
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = converter ? vps_converter_size(converter) : vp_picture_size(&swapchain->picture),
      .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT | (converter ? VK_BUFFER_USAGE_STORAGE_BUFFER_BIT : 0),
   };
   if (device->functions.CreateBuffer(device->handle, &info, NULL, &slot->buffer) < 0) {
      slot->buffer = VK_NULL_HANDLE;
   } else if (allocate(device, slot, info.size)) {
      if (converter)
         vps_converter_use(converter, (uint32_t)(slot - swapchain->slots), slot->buffer);
      return true;
   }
   finish_slot(device, slot);
   vp_log(VP_LOG_WARN, "there is no memory for a picture of %ux%u to be sent", swapchain->picture.width,
          swapchain->picture.height);
   return false;
}

/* --- commands --- */

static struct vps_copier *find_copier(struct vps_swapchain *swapchain, uint32_t family)
{
   const struct vps_device *device = swapchain->device;
   struct vps_copier *copier = swapchain->copiers;

   while (copier && copier->family != family)
      copier = copier->next;
   if (copier)
      return copier;
   const VkCommandPoolCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
      .queueFamilyIndex = family,
   };
   copier = calloc(1, sizeof(*copier));
   if (!copier || device->functions.CreateCommandPool(device->handle, &info, NULL, &copier->pool) < 0) {
      free(copier);
      return NULL;
   }
   copier->family = family;
   copier->next = swapchain->copiers;
   swapchain->copiers = copier;
   return copier;
}

/* Whatever rendered the image comes before the copy, and whatever renders to it next comes after. */
static void copy_image(const struct vps_swapchain *swapchain, VkCommandBuffer commands, VkImage image,
                       const struct vps_slot *slot, bool convert)
{
   const struct vps_device_functions *functions = &swapchain->device->functions;
   const VkMemoryBarrier before = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
   };
   const VkMemoryBarrier after = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT | (convert ? VK_ACCESS_SHADER_WRITE_BIT : 0),
      .dstAccessMask = VK_ACCESS_HOST_READ_BIT,
   };
   const VkBufferImageCopy region = {
      .imageSubresource = {.aspectMask = VK_IMAGE_ASPECT_COLOR_BIT, .layerCount = 1},
      .imageExtent = {swapchain->picture.width, swapchain->picture.height, 1},
   };

   functions->CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 1,
                                 &before, 0, NULL, 0, NULL);
   functions->CmdCopyImageToBuffer(commands, image, VPS_PRESENT_LAYOUT, slot->buffer, 1, &region);
   if (convert)
      vps_converter_record(swapchain->converter, commands, (uint32_t)(slot - swapchain->slots));
   functions->CmdPipelineBarrier(
      commands, VK_PIPELINE_STAGE_TRANSFER_BIT | (convert ? VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT : 0),
      VK_PIPELINE_STAGE_HOST_BIT | VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 1, &after, 0, NULL, 0, NULL);
}

static VkCommandBuffer record(const struct vps_swapchain *swapchain, VkCommandPool pool, VkImage image,
                              const struct vps_slot *slot, bool convert)
{
   const struct vps_device *device = swapchain->device;
   const VkCommandBufferAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = pool,
      .commandBufferCount = 1,
   };
   const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   VkCommandBuffer commands;

   if (device->functions.AllocateCommandBuffers(device->handle, &info, &commands) < 0)
      return NULL;
   if (device->functions.BeginCommandBuffer(commands, &begin) >= 0) {
      copy_image(swapchain, commands, image, slot, convert);
      if (device->functions.EndCommandBuffer(commands) >= 0)
         return commands;
   }
   device->functions.FreeCommandBuffers(device->handle, pool, 1, &commands);
   return NULL;
}

static VkCommandBuffer find_commands(struct vps_swapchain *swapchain, uint32_t family, const struct vps_slot *slot,
                                     uint32_t image, bool convert)
{
   struct vps_copier *copier = find_copier(swapchain, family);
   if (!copier)
      return NULL;
   const size_t number = (size_t)(slot - swapchain->slots);
   VkCommandBuffer *commands = convert ? &copier->conversions[number][image] : &copier->copies[number][image];
   if (!*commands)
      *commands = record(swapchain, copier->pool, swapchain->images[image]->handle, slot, convert);
   return *commands;
}

/* Whether a present of now will probably be sent as a picture of a video. If not, planes can still be made later. */
static bool wants_planes(struct vps_swapchain *swapchain, uint32_t family)
{
   if (!swapchain->converter || !vps_converter_can(swapchain->converter, family))
      return false;
   pthread_mutex_lock(&swapchain->lock);
   const bool wants = swapchain->chooser.way == VPS_H264;
   pthread_mutex_unlock(&swapchain->lock);
   return wants;
}

/* --- presents --- */

/* A slot that is free, or whose picture may be dropped for this one. NULL: none, which takes a client that presents
 * faster than it may. */
static struct vps_slot *take_slot(struct vps_swapchain *swapchain, bool replaces)
{
   const struct vps_device *device = swapchain->device;
   struct vps_slot *taken = NULL;
   uint64_t reached = 0;

   if (replaces && device->functions.GetSemaphoreCounterValue(device->handle, swapchain->timeline, &reached) < 0)
      reached = 0;
   pthread_mutex_lock(&swapchain->lock);
   for (uint32_t i = 0; i < swapchain->slot_count; i++) {
      struct vps_slot *slot = &swapchain->slots[i];
      const bool droppable = replaces && slot->state == VPS_SLOT_QUEUED && slot->value <= reached;
      if (slot->state == VPS_SLOT_FREE) {
         taken = slot;
         break;
      }
      if (droppable && (!taken || slot->frame < taken->frame))
         taken = slot;
   }
   if (taken)
      taken->state = VPS_SLOT_FREE;
   pthread_mutex_unlock(&swapchain->lock);
   return taken;
}

struct vps_present vps_swapchain_prepare(struct vps_swapchain *swapchain, const struct vps_queue *queue, uint32_t image,
                                         uint64_t frame, bool replaces)
{
   const uint32_t family = vps_queue_family(queue);
   struct vps_present present = {.swapchain = swapchain, .frame = frame, .value = ++swapchain->value};

   present.waits = swapchain->queue && swapchain->queue != queue;
   swapchain->queue = queue;
   const bool can = swapchain->codecs && family < 64 && (swapchain->device->copy_families >> family & 1);
   struct vps_slot *slot = can ? take_slot(swapchain, replaces) : NULL;
   if (!slot || !init_slot(swapchain, slot))
      return present;
   const bool convert = wants_planes(swapchain, family);
   present.commands = find_commands(swapchain, family, slot, image, convert);
   if (present.commands) {
      slot->planes = convert ? slot->pixels + vps_converter_offset(swapchain->converter) : NULL;
      slot->replaces = replaces;
      slot->arrival_ns = vp_clock_ns();
      present.slot = slot;
   }
   return present;
}

void vps_swapchain_queue(const struct vps_present *present)
{
   struct vps_swapchain *swapchain = present->swapchain;

   swapchain->serial = vps_queue_serial(swapchain->queue);
   pthread_mutex_lock(&swapchain->lock);
   if (present->slot) {
      present->slot->frame = present->frame;
      present->slot->value = present->value;
      present->slot->state = VPS_SLOT_QUEUED;
   } else {
      swapchain->bare_frame = present->frame;
      swapchain->bare_value = present->value;
   }
   pthread_cond_signal(&swapchain->changed);
   pthread_mutex_unlock(&swapchain->lock);
}

void vps_swapchain_cancel(const struct vps_present *present)
{
   present->swapchain->value = present->value - 1; /* nobody will signal it */
}

/* --- life --- */

static bool create_swapchain_timeline(struct vps_swapchain *swapchain)
{
   const VkSemaphoreTypeCreateInfo type = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
      .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
   };
   const VkSemaphoreCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
   const struct vps_device *device = swapchain->device;

   return device->functions.CreateSemaphore(device->handle, &info, NULL, &swapchain->timeline) >= 0;
}

/* Waits until the driver is done with the last copy. False when it takes too long. */
static bool swapchain_becomes_idle(const struct vps_swapchain *swapchain)
{
   const struct vps_device *device = swapchain->device;
   struct vps_queue *queue = device->queues;
   const VkSemaphoreWaitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
      .semaphoreCount = 1,
      .pSemaphores = &swapchain->timeline,
      .pValues = &swapchain->value,
   };

   if (device->abandoned || device->functions.WaitSemaphores(device->handle, &info, STOP_NS) == VK_TIMEOUT)
      return false;
   while (queue && queue != swapchain->queue) /* at the device's end it may be gone */
      queue = vps_queue_next(queue);
   return !queue || vps_queue_finish(queue, swapchain->serial, STOP_NS);
}

static void destroy_handles(struct vps_swapchain *swapchain)
{
   const struct vps_device *device = swapchain->device;

   for (struct vps_copier *copier = swapchain->copiers; copier; copier = copier->next)
      device->functions.DestroyCommandPool(device->handle, copier->pool, NULL);
   vps_converter_destroy(swapchain->converter);
   for (uint32_t i = 0; i < swapchain->slot_count; i++)
      finish_slot(device, &swapchain->slots[i]);
   device->functions.DestroySemaphore(device->handle, swapchain->timeline, NULL);
}

/* A thread, and pictures that can be on their way. */
static bool take_quotas(uint32_t pictures)
{
   if (!vps_quota_take(VPS_QUOTA_SWAPCHAINS, 1)) {
      vps_quota_report(VPS_QUOTA_SWAPCHAINS);
      return false;
   }
   if (!vps_quota_take(VPS_QUOTA_PICTURES, pictures)) {
      vps_quota_report(VPS_QUOTA_PICTURES);
      vps_quota_give(VPS_QUOTA_SWAPCHAINS, 1);
      return false;
   }
   if (vps_quota_take(VPS_QUOTA_THREADS, 1))
      return true;
   vps_quota_report(VPS_QUOTA_THREADS);
   vps_quota_give(VPS_QUOTA_PICTURES, pictures);
   vps_quota_give(VPS_QUOTA_SWAPCHAINS, 1);
   return false;
}

static void give_quotas(uint32_t pictures)
{
   vps_quota_give(VPS_QUOTA_THREADS, 1);
   vps_quota_give(VPS_QUOTA_PICTURES, pictures);
   vps_quota_give(VPS_QUOTA_SWAPCHAINS, 1);
}

static void free_swapchain(struct vps_swapchain *swapchain)
{
   while (swapchain->copiers) {
      struct vps_copier *next = swapchain->copiers->next;
      free(swapchain->copiers);
      swapchain->copiers = next;
   }
   pthread_cond_destroy(&swapchain->changed);
   pthread_mutex_destroy(&swapchain->lock);
   give_quotas(swapchain->slot_count);
   free(swapchain->picture.pixels);
   free(swapchain);
}

static void release_swapchain(void *state)
{
   struct vps_swapchain *swapchain = state;
   struct vps_device *device = swapchain->device;

   for (struct vps_swapchain **chooser = &device->swapchains; *chooser; chooser = &(*chooser)->next) {
      if (*chooser == swapchain) {
         *chooser = swapchain->next;
         break;
      }
   }
   vps_presenter_stop(swapchain);
   if (swapchain_becomes_idle(swapchain)) {
      destroy_handles(swapchain);
   } else {
      device->abandoned = true;
      device->ctx->abandoned = true;
   }
   free_swapchain(swapchain);
}

static struct vps_swapchain *new_swapchain(struct vps_device *device, uint64_t id, const VkSwapchainInfoVP *info)
{
   const uint32_t slot_count = info->codecs ? info->imageCount + VPS_EXTRA_SLOTS : 0;
   if (!take_quotas(slot_count))
      return NULL;
   struct vps_swapchain *swapchain = calloc(1, sizeof(*swapchain));
   if (!swapchain) {
      give_quotas(slot_count);
      return NULL;
   }
   swapchain->device = device;
   swapchain->id = id;
   swapchain->codecs = info->codecs;
   swapchain->quality = info->quality;
   swapchain->always_lossy = info->alwaysLossy;
   swapchain->video = (info->codecs & VP_PRESENT_CODEC_BIT(VP_PRESENT_H264)) &&
                      vp_h264_fits(info->extent.width, info->extent.height) && vp_h264_can_encode();
   swapchain->picture = (struct vp_picture){.width = info->extent.width, .height = info->extent.height};
   swapchain->image_count = info->imageCount;
   swapchain->slot_count = slot_count;
   if (info->codecs)
      swapchain->picture.pixels = calloc(1, vp_picture_size(&swapchain->picture));
   if (info->codecs && !swapchain->picture.pixels)
      goto fail;
   if (pthread_mutex_init(&swapchain->lock, NULL) != 0)
      goto fail;
   if (vp_clock_cond_init(&swapchain->changed))
      return swapchain;
   pthread_mutex_destroy(&swapchain->lock);
fail:
   give_quotas(slot_count);
   free(swapchain->picture.pixels);
   free(swapchain);
   return NULL;
}

static struct vps_swapchain *create_swapchain(struct vps_device *device, uint64_t id, const VkSwapchainInfoVP *info)
{
   struct vps_swapchain *swapchain = new_swapchain(device, id, info);
   if (!swapchain)
      return NULL;
   if (!create_swapchain_timeline(swapchain)) {
      free_swapchain(swapchain);
      return NULL;
   }
   if (vps_presenter_start(swapchain))
      return swapchain;
   destroy_handles(swapchain);
   free_swapchain(swapchain);
   return NULL;
}

static bool is_sane(const VkSwapchainInfoVP *info)
{
   const bool lossy = info->codecs & (VP_PRESENT_CODEC_BIT(VP_PRESENT_JPEG) | VP_PRESENT_CODEC_BIT(VP_PRESENT_H264));

   return (!lossy || (info->quality > 0 && info->quality <= 100)) && info->imageCount > 0 &&
          info->imageCount <= VP_MAX_SWAPCHAIN_IMAGES && info->extent.width > 0 &&
          info->extent.width <= VP_PICTURE_MAX && info->extent.height > 0 && info->extent.height <= VP_PICTURE_MAX;
}

static bool has_image(const struct vps_swapchain *swapchain, const struct vps_image *image)
{
   for (uint32_t i = 0; i < swapchain->image_count; i++) {
      if (swapchain->images[i] == image)
         return true;
   }
   return false;
}

void vps_swapchains_lose(const struct vps_image *image)
{
   struct vps_swapchain *swapchain = image->device->swapchains;

   while (swapchain) {
      struct vps_swapchain *next = swapchain->next;
      if (has_image(swapchain, image)) {
         struct vps_object *object = swapchain->object;
         object->handle = 0;
         object->state = NULL;
         object->release = NULL;
         object->poison = VK_ERROR_SURFACE_LOST_KHR;
         release_swapchain(swapchain);
      }
      swapchain = next;
   }
}

/* A pixel must have one piece of four bytes, and a buffer gets it as it is shown. */
static bool has_pixels(VkFormat format)
{
   const struct vp_format_block *block = vp_format_block_find(format);
   const bool depth = format >= VK_FORMAT_D16_UNORM && format <= VK_FORMAT_D32_SFLOAT_S8_UINT;

   return block && !depth && block->size[0] == VP_PIXEL_SIZE && block->size[1] == 0 && block->extent[0] == 1 &&
          block->extent[1] == 1 && block->extent[2] == 1;
}

/* Whether all that is copied of an image is there, and no more than has room. */
static bool can_present(const struct vps_image *image, VkExtent2D extent)
{
   const VkImageCreateFlags other =
      VK_IMAGE_CREATE_SPARSE_BINDING_BIT | VK_IMAGE_CREATE_PROTECTED_BIT | VK_IMAGE_CREATE_SUBSAMPLED_BIT_EXT;

   return image->type == VK_IMAGE_TYPE_2D && has_pixels(image->format) && image->extent.width == extent.width &&
          image->extent.height == extent.height && image->samples == VK_SAMPLE_COUNT_1_BIT &&
          (image->usage & VK_IMAGE_USAGE_TRANSFER_SRC_BIT) && !(image->flags & other) && vps_image_is_backed(image);
}

/* After the device come the images; one that is missing was not used. */
static bool can_present_all(const struct vps_context *ctx, const VkSwapchainInfoVP *info)
{
   if (ctx->used_count != 1 + info->imageCount)
      return false;
   for (uint32_t i = 0; i < info->imageCount; i++) {
      if (!ctx->used[1 + i]->state || !can_present(ctx->used[1 + i]->state, info->extent))
         return false;
   }
   return true;
}

/* The handle of the object is the address of its state. */
void vps_handle_vkCreateSwapchainVP(struct vps_context *ctx, struct vp_cmd_vkCreateSwapchainVP *a)
{
   const uint64_t id = (uint64_t)(uintptr_t)*a->pSwapchain;
   struct vps_device *device = ctx->used[0]->device;
   struct vps_swapchain *swapchain = NULL;

   if (!is_sane(a->pInfo)) {
      vps_fail(ctx, "a swapchain of %u images of %ux%u, with a quality of %u, cannot be", a->pInfo->imageCount,
               a->pInfo->extent.width, a->pInfo->extent.height, a->pInfo->quality);
      return;
   }
   a->ret = VK_ERROR_INITIALIZATION_FAILED;
   if (can_present_all(ctx, a->pInfo)) {
      swapchain = create_swapchain(device, id, a->pInfo);
      a->ret = swapchain ? VK_SUCCESS : VK_ERROR_OUT_OF_HOST_MEMORY;
   } else {
      vp_log(VP_LOG_WARN, "a swapchain has images that cannot be presented");
   }
   struct vps_object *object =
      vps_created(ctx, VK_OBJECT_TYPE_SWAPCHAIN_KHR, id, (uint64_t)(uintptr_t)swapchain, a->ret);
   if (!object || !swapchain) {
      if (swapchain)
         release_swapchain(swapchain);
      return;
   }
   for (uint32_t i = 0; i < swapchain->image_count; i++)
      swapchain->images[i] = ctx->used[1 + i]->state;
   swapchain->object = object;
   swapchain->next = device->swapchains;
   device->swapchains = swapchain;
   object->state = swapchain;
   object->release = release_swapchain;
}

void vps_handle_vkDestroySwapchainVP(struct vps_context *ctx, struct vp_cmd_vkDestroySwapchainVP *a)
{
   vps_destroy(ctx, VK_OBJECT_TYPE_SWAPCHAIN_KHR, (uint64_t)(uintptr_t)a->swapchain);
}
