/* SPDX-License-Identifier: MIT */

/* Descriptors that are bytes in the application's memory (VK_EXT_descriptor_buffer): what they look like and where they
 * lie is asked once for each that is different. */

#include <stdlib.h>

#include "client/core/device.h"
#include "client/link/connection.h"
#include "client/pipeline/descriptor_set_layout.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

/* --- where descriptors lie --- */

/* Asks for the size of a layout and the offsets of all of its bindings in one exchange. False when that fails. */
static bool ask_places(struct vp_device *device, VkDescriptorSetLayout handle, VkDeviceSize *places)
{
   const struct vp_descriptor_set_layout *layout = VP_FROM_HANDLE(struct vp_descriptor_set_layout, handle);
   struct vp_connection *conn = device->conn;
   struct vp_cmd_vkGetDescriptorSetLayoutSizeEXT size = {
      .device = VP_TO_HANDLE(VkDevice, device), .layout = handle, .pLayoutSizeInBytes = &places[0]};
   struct vp_cmd_vkGetDescriptorSetLayoutBindingOffsetEXT offset = {.device = size.device, .layout = handle};
   struct vp_call *calls = calloc((size_t)layout->binding_count + 1, sizeof(*calls));
   bool ok = calls != NULL;
   if (!calls)
      return false;
   vp_request_vkGetDescriptorSetLayoutSizeEXT(vp_call_begin(conn), 1, &size);
   vp_call_queue(conn, &calls[0]);
   for (uint32_t i = 0; i < layout->binding_count; i++) {
      offset.binding = layout->bindings[i].number;
      offset.pOffset = &places[i + 1];
      vp_request_vkGetDescriptorSetLayoutBindingOffsetEXT(vp_call_begin(conn), 1, &offset);
      vp_call_queue(conn, &calls[i + 1]);
   }
   for (uint32_t i = 0; i <= layout->binding_count; i++) {
      const uint32_t command =
         i == 0 ? VP_CMD_vkGetDescriptorSetLayoutSizeEXT : VP_CMD_vkGetDescriptorSetLayoutBindingOffsetEXT;
      bool answered = vp_call_wait(conn, &calls[i], command) == VK_SUCCESS;
      offset.pOffset = &places[i];
      if (answered && i == 0)
         vp_reply_vkGetDescriptorSetLayoutSizeEXT(&calls[i].dec, &size);
      else if (answered)
         vp_reply_vkGetDescriptorSetLayoutBindingOffsetEXT(&calls[i].dec, &offset);
      ok = vp_call_end(conn, &calls[i]) == VK_SUCCESS && answered && ok;
   }
   free(calls);
   return ok;
}

/* The size of a layout, then the offset of each of its bindings: the same for all layouts of its kind. NULL: there is
 * no answer. */
static const VkDeviceSize *find_places(struct vp_device *device, VkDescriptorSetLayout handle)
{
   const struct vp_descriptor_set_layout *layout = VP_FROM_HANDLE(struct vp_descriptor_set_layout, handle);
   struct vp_resource_kind *kind = layout->kind;
   if (!kind)
      return NULL;
   pthread_mutex_lock(&device->kinds.lock);
   VkDeviceSize *places = kind->places;
   pthread_mutex_unlock(&device->kinds.lock);
   if (places)
      return places;
   places = calloc((size_t)layout->binding_count + 1, sizeof(*places));
   if (!places || !ask_places(device, handle, places)) {
      free(places);
      return NULL;
   }
   pthread_mutex_lock(&device->kinds.lock);
   if (kind->places) { /* another thread has asked, too */
      free(places);
      places = kind->places;
   }
   kind->places = places;
   pthread_mutex_unlock(&device->kinds.lock);
   return places;
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetDescriptorSetLayoutSizeEXT(VkDevice device, VkDescriptorSetLayout layout,
                                                              VkDeviceSize *pLayoutSizeInBytes)
{
   const VkDeviceSize *places = find_places(vp_device_from_handle(device), layout);
   *pLayoutSizeInBytes = places ? places[0] : 0;
}

/* Bindings without descriptors are not kept, but they have a place. */
VKAPI_ATTR void VKAPI_CALL vp_vkGetDescriptorSetLayoutBindingOffsetEXT(VkDevice handle,
                                                                       VkDescriptorSetLayout layout_handle,
                                                                       uint32_t binding, VkDeviceSize *pOffset)
{
   struct vp_device *device = vp_device_from_handle(handle);
   const struct vp_descriptor_set_layout *layout = VP_FROM_HANDLE(struct vp_descriptor_set_layout, layout_handle);
   const struct vp_descriptor_binding *found = vp_descriptor_set_layout_find(layout, binding);
   const VkDeviceSize *places = found ? find_places(device, layout_handle) : NULL;
   struct vp_cmd_vkGetDescriptorSetLayoutBindingOffsetEXT a = {
      .device = handle, .layout = layout_handle, .binding = binding, .pOffset = pOffset};
   *pOffset = 0;
   if (places)
      *pOffset = places[1 + (found - layout->bindings)];
   else
      vp_ask_vkGetDescriptorSetLayoutBindingOffsetEXT(&device->cache, device->conn, &a);
}

/* --- what descriptors look like --- */

/* What an image's descriptor does not say is not sent: it may be garbage, and would make another question of it. */
static void clean_image(VkDescriptorType type, VkDescriptorImageInfo *image)
{
   if (type != VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER)
      image->sampler = VK_NULL_HANDLE;
   if (!image->imageView)
      image->imageLayout = VK_IMAGE_LAYOUT_UNDEFINED;
}

/* The image that a question is about, or NULL. */
static const VkDescriptorImageInfo *image_of(const VkDescriptorGetInfoEXT *info)
{
   switch (info->type) {
   case VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER:
   case VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT:
   case VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE:
   case VK_DESCRIPTOR_TYPE_STORAGE_IMAGE:
      return info->data.pSampledImage;
   default:
      return NULL;
   }
}

/* It may have been asked when its object was made: then all that was asked so is there now, or comes next. */
static void ask_descriptor(struct vp_device *device, struct vp_cmd_vkGetDescriptorEXT *a)
{
   struct vp_cached_call call;
   if (vp_cached_begin(&device->cache, device->conn, &call)) {
      vp_request_vkGetDescriptorEXT(&call.request, 1, a);
      if (!vp_cached_is_known(&call))
         vp_descriptor_questions_settle(device);
      if (vp_cached_answer(&call, VP_CMD_vkGetDescriptorEXT))
         vp_reply_vkGetDescriptorEXT(&call.reply, a);
   }
   if (vp_cached_end(&call) != VK_SUCCESS)
      vp_clear_vkGetDescriptorEXT(a);
}

/* Drivers make the same bytes of the same objects and addresses, whenever they are asked. */
VKAPI_ATTR void VKAPI_CALL vp_vkGetDescriptorEXT(VkDevice handle, const VkDescriptorGetInfoEXT *pDescriptorInfo,
                                                 size_t dataSize, void *pDescriptor)
{
   struct vp_device *device = vp_device_from_handle(handle);
   VkDescriptorGetInfoEXT info = *pDescriptorInfo;
   const VkDescriptorImageInfo *given = image_of(&info);
   VkDescriptorImageInfo image;
   if (given) {
      image = *given;
      clean_image(info.type, &image);
      info.data.pSampledImage = &image;
   }
   if (vp_descriptor_rules_make(&device->descriptor_rules, &info, dataSize, pDescriptor))
      return;
   struct vp_cmd_vkGetDescriptorEXT a = {
      .device = handle, .pDescriptorInfo = &info, .dataSize = dataSize, .pDescriptor = pDescriptor};
   ask_descriptor(device, &a);
}

/* --- capture and replay, which is not offered: no command says how long such data is --- */

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetBufferOpaqueCaptureDescriptorDataEXT(
   VkDevice device, const VkBufferCaptureDescriptorDataInfoEXT *pInfo, void *pData)
{
   (void)device, (void)pInfo, (void)pData;
   return VK_ERROR_FEATURE_NOT_PRESENT;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetImageOpaqueCaptureDescriptorDataEXT(
   VkDevice device, const VkImageCaptureDescriptorDataInfoEXT *pInfo, void *pData)
{
   (void)device, (void)pInfo, (void)pData;
   return VK_ERROR_FEATURE_NOT_PRESENT;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetImageViewOpaqueCaptureDescriptorDataEXT(
   VkDevice device, const VkImageViewCaptureDescriptorDataInfoEXT *pInfo, void *pData)
{
   (void)device, (void)pInfo, (void)pData;
   return VK_ERROR_FEATURE_NOT_PRESENT;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetSamplerOpaqueCaptureDescriptorDataEXT(
   VkDevice device, const VkSamplerCaptureDescriptorDataInfoEXT *pInfo, void *pData)
{
   (void)device, (void)pInfo, (void)pData;
   return VK_ERROR_FEATURE_NOT_PRESENT;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetAccelerationStructureOpaqueCaptureDescriptorDataEXT(
   VkDevice device, const VkAccelerationStructureCaptureDescriptorDataInfoEXT *pInfo, void *pData)
{
   (void)device, (void)pInfo, (void)pData;
   return VK_ERROR_FEATURE_NOT_PRESENT;
}
