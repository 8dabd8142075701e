/* SPDX-License-Identifier: MIT */

/* vkCreateInstance with a version that knows all that clients ask, and a messenger that logs what a layer says; and
 * names that applications give objects, passed to the driver. */

#include "server/core/instance.h"

#include <stdlib.h>
#include <string.h>

#include "common/util/clock.h"
#include "common/util/log.h"
#include "server/core/context.h"
#include "server/core/device.h"
#include "server/memory/memory.h"
#include "server/queue/queue.h"
#include "server/sync/event.h"
#include "server/sync/query_pool.h"

/* The client asks with all structs that both registries know, whatever version the application wants. */
#define LEAST_API_VERSION VP_API_VERSION

/* What a lost device still does on the GPU gets this long. */
#define REST_MS 1000

static VKAPI_ATTR VkBool32 VKAPI_CALL log_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                                  VkDebugUtilsMessageTypeFlagsEXT types,
                                                  const VkDebugUtilsMessengerCallbackDataEXT *data, void *user)
{
   (void)types;
   (void)user;
   vp_log(severity >= VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT ? VP_LOG_ERROR : VP_LOG_WARN, "validation: %s: %s",
          data->pMessageIdName ? data->pMessageIdName : "-", data->pMessage ? data->pMessage : "");
   return VK_FALSE;
}

static const VkDebugUtilsMessengerCreateInfoEXT messenger_info = {
   .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
   .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
   .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT,
   .pfnUserCallback = log_message,
};

/* Called with the object; everything else of the instance is gone already. */
static void release_instance(void *state)
{
   struct vps_instance *instance = state;

   if (instance->messenger && !instance->ctx->abandoned)
      instance->functions.DestroyDebugUtilsMessengerEXT(instance->handle, instance->messenger, NULL);
   if (instance->functions.DestroyInstance && !instance->ctx->abandoned)
      instance->functions.DestroyInstance(instance->handle, NULL);
   instance->ctx->instance = NULL;
   free(instance);
}

static VkResult create_instance(struct vps_context *ctx, const VkInstanceCreateInfo *wanted, VkInstance *handle)
{
   const PFN_vkCreateInstance create = (PFN_vkCreateInstance)ctx->get_proc_addr(NULL, "vkCreateInstance");
   static const char *const debug_utils = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
   VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO};
   VkInstanceCreateInfo info = *wanted;

   if (!create)
      return VK_ERROR_INITIALIZATION_FAILED;
   if (wanted->pApplicationInfo)
      application = *wanted->pApplicationInfo;
   if (application.apiVersion < LEAST_API_VERSION)
      application.apiVersion = LEAST_API_VERSION;
   info.pApplicationInfo = &application;

   /* The client knows no layer or extension of this machine. To ask which ones there are would take as long as this. */
   info.enabledLayerCount = 0;
   info.enabledExtensionCount = 1;
   info.ppEnabledExtensionNames = &debug_utils;
   info.pNext = ctx->options->validate ? &messenger_info : NULL;
   const VkResult result = create(&info, NULL, handle);
   if (result != VK_ERROR_EXTENSION_NOT_PRESENT)
      return result;
   info.enabledExtensionCount = 0;
   info.pNext = NULL;
   return create(&info, NULL, handle);
}

static void create_messenger(struct vps_instance *instance)
{
   const struct vps_instance_functions *functions = &instance->functions;

   if (!functions->CreateDebugUtilsMessengerEXT || !functions->DestroyDebugUtilsMessengerEXT ||
       functions->CreateDebugUtilsMessengerEXT(instance->handle, &messenger_info, NULL, &instance->messenger) < 0) {
      instance->messenger = VK_NULL_HANDLE;
      vp_log(VP_LOG_WARN, "the messages of the validation layer cannot be logged");
   }
}

void vps_handle_vkCreateInstance(struct vps_context *ctx, struct vp_cmd_vkCreateInstance *a)
{
   const uint64_t id = (uint64_t)(uintptr_t)*a->pInstance;

   if (ctx->instance) {
      vps_fail(ctx, "the connection has an instance already");
      return;
   }
   struct vps_instance *instance = calloc(1, sizeof(*instance));
   a->ret = instance ? create_instance(ctx, a->pCreateInfo, &instance->handle) : VK_ERROR_OUT_OF_HOST_MEMORY;
   if (a->ret < 0) {
      free(instance);
      vps_created(ctx, VK_OBJECT_TYPE_INSTANCE, id, 0, a->ret);
      return;
   }

   instance->ctx = ctx;
   vps_instance_functions_load(&instance->functions, ctx->get_proc_addr, instance->handle);
   if (ctx->options->validate)
      create_messenger(instance);
   instance->object = vps_created(ctx, VK_OBJECT_TYPE_INSTANCE, id, (uint64_t)(uintptr_t)instance->handle, a->ret);
   if (!instance->object) {
      release_instance(instance);
      return;
   }
   instance->object->state = instance;
   instance->object->release = release_instance;
   ctx->instance = instance;
}

void vps_handle_vkDestroyInstance(struct vps_context *ctx, struct vp_cmd_vkDestroyInstance *a)
{
   (void)a;
   vps_object_destroy(ctx->used[0]);
}

/* Held by the other threads that use a driver's object; NULL: there are none. */
static pthread_mutex_t *find_lock(const struct vps_object *object)
{
   switch (object->type) {
   case VK_OBJECT_TYPE_QUEUE:
      return vps_queue_lock(object->state);
   case VK_OBJECT_TYPE_DEVICE_MEMORY:
      return &((struct vps_memory *)object->state)->lock;
   case VK_OBJECT_TYPE_EVENT:
      return &((struct vps_event *)object->state)->lock;
   case VK_OBJECT_TYPE_QUERY_POOL:
      return &((struct vps_query_pool *)object->state)->lock;
   default:
      return NULL;
   }
}

static bool set_name(const struct vps_object *object, const char *name)
{
   const VkDebugUtilsObjectNameInfoEXT info = {
      .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_NAME_INFO_EXT,
      .objectType = (VkObjectType)object->type,
      .objectHandle = object->handle,
      .pObjectName = name,
   };
   const PFN_vkSetDebugUtilsObjectNameEXT set = object->device->functions.SetDebugUtilsObjectNameEXT;
   pthread_mutex_t *lock = find_lock(object);

   if (!set)
      return true;
   if (lock)
      pthread_mutex_lock(lock);
   const VkResult result = set(object->device->handle, &info);
   if (lock)
      pthread_mutex_unlock(lock);
   return result >= 0;
}

void vps_handle_vkSetObjectNameVP(struct vps_context *ctx, struct vp_cmd_vkSetObjectNameVP *a)
{
   vps_object_complete(ctx, a->object);
   const struct vps_object *object = vps_object_find(&ctx->objects, a->object);

   if (!object)
      vps_fail(ctx, "there is no object with the id %#llx", (unsigned long long)a->object);
   else if (object->handle && object->type != VK_OBJECT_TYPE_SWAPCHAIN_KHR && object->device &&
            object->device == ctx->used[0]->device && !set_name(object, a->pObjectName))
      vp_log(VP_LOG_DEBUG, "an object could not be named");
}

static bool device_is_busy(const struct vps_object *object)
{
   const struct vps_device *device = object->type == VK_OBJECT_TYPE_DEVICE ? object->state : NULL;

   for (struct vps_queue *queue = device ? device->queues : NULL; queue; queue = vps_queue_next(queue)) {
      if (vps_queue_is_busy(queue))
         return true;
   }
   return false;
}

static bool device_comes_to_rest(const struct vps_object *object, int64_t deadline_ms)
{
   const struct vps_device *device = object->type == VK_OBJECT_TYPE_DEVICE ? object->state : NULL;

   if (!device || !atomic_load(&device->lost))
      return true;
   for (struct vps_queue *queue = device->queues; queue; queue = vps_queue_next(queue)) {
      const int64_t left_ms = deadline_ms - vp_clock_ms();
      if (!vps_queue_comes_to_rest(queue, left_ms > 0 ? left_ms * 1000000 : 0))
         return false;
   }
   return true;
}

bool vps_instance_comes_to_rest(const struct vps_instance *instance)
{
   const int64_t deadline_ms = vp_clock_ms() + REST_MS;

   for (const struct vps_object *gpu = instance->object->children; gpu; gpu = gpu->next) {
      for (const struct vps_object *device = gpu->children; device; device = device->next) {
         if (!device_comes_to_rest(device, deadline_ms))
            return false;
      }
   }
   return true;
}

bool vps_instance_is_busy(const struct vps_instance *instance)
{
   for (const struct vps_object *gpu = instance->object->children; gpu; gpu = gpu->next) {
      for (const struct vps_object *device = gpu->children; device; device = device->next) {
         if (device_is_busy(device))
            return true;
      }
   }
   return false;
}
