/* SPDX-License-Identifier: MIT */

/* vkGetPhysicalDeviceImageFormatProperties: after a few questions about one format its 256 usages are asked for in one
 * burst, and a byte for each usage names one of the few answers. */

#include "client/device/image_format.h"

#include <stdlib.h>
#include <string.h>

#include "client/core/physical_device.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

/* So many questions about one format are asked alone; who has more is likely to have many. */
#define PATIENCE 4

/* The usages that are gone through: the eight of Vulkan 1.0. */
#define USAGES 256u

#define BUCKETS 1024
#define MAX_KINDS 16384 /* 5 MiB */
#define MAX_ANSWERS UINT8_MAX

/* All that a question without a chain says, the usages left out that are gone through. */
struct image_kind {
   VkFormat format;
   VkImageType type;
   VkImageTiling tiling;
   VkImageCreateFlags flags;
   VkImageUsageFlags later_usages;
};

/* Programs that ask about everything ask 100,000 questions about one format, and get a handful of answers: a byte for
 * each question names one of those; 0: not known. */
struct kind_answers {
   struct kind_answers *next;
   struct image_kind kind;
   uint8_t of_usage[USAGES];
};

struct answer {
   VkResult result;
   VkImageFormatProperties properties;
};

struct vp_image_formats {
   pthread_mutex_t lock;
   struct kind_answers *buckets[BUCKETS];
   unsigned kind_count;
   struct answer answers[MAX_ANSWERS];
   unsigned answer_count;
   VkFormat asked_format; /* that the server was asked about last, and: */
   unsigned in_a_row;     /* how often, one question after another */
};

struct vp_image_formats *vp_image_formats_create(void)
{
   struct vp_image_formats *formats = calloc(1, sizeof(*formats));
   if (formats)
      pthread_mutex_init(&formats->lock, NULL);
   return formats;
}

static void forget_formats(struct vp_image_formats *formats)
{
   for (unsigned i = 0; i < BUCKETS; i++) {
      for (struct kind_answers *kind = formats->buckets[i]; kind;) {
         struct kind_answers *next = kind->next;
         free(kind);
         kind = next;
      }
      formats->buckets[i] = NULL;
   }
   formats->kind_count = formats->answer_count = 0;
}

void vp_image_formats_destroy(struct vp_image_formats *formats)
{
   if (!formats)
      return;
   forget_formats(formats);
   pthread_mutex_destroy(&formats->lock);
   free(formats);
}

static struct image_kind kind_of(const VkPhysicalDeviceImageFormatInfo2 *info)
{
   return (struct image_kind){info->format, info->type, info->tiling, info->flags, info->usage & ~(USAGES - 1)};
}

static struct kind_answers **find_format_kind(struct vp_image_formats *formats, const struct image_kind *kind)
{
   uint32_t units[sizeof(*kind) / 4], hash = 0;
   memcpy(units, kind, sizeof(units));
   for (unsigned i = 0; i < sizeof(units) / 4; i++)
      hash = (hash ^ units[i]) * 0x9E3779B1u;
   struct kind_answers **place = &formats->buckets[(hash >> 16) % BUCKETS];
   while (*place && memcmp(&(*place)->kind, kind, sizeof(*kind)) != 0)
      place = &(*place)->next;
   return place;
}

static bool is_same(const struct answer *a, const struct answer *b)
{
   return a->result == b->result && memcmp(&a->properties, &b->properties, sizeof(a->properties)) == 0;
}

/* The number of an answer; 0 where it is none to keep: only what the GPU cannot do stays as it is. */
static uint8_t number_of(struct vp_image_formats *formats, const struct answer *answer)
{
   if (answer->result < 0 && answer->result != VK_ERROR_FORMAT_NOT_SUPPORTED)
      return 0;
   unsigned i = 0;
   while (i < formats->answer_count && !is_same(&formats->answers[i], answer))
      i++;
   if (i == MAX_ANSWERS)
      return 0;
   if (i == formats->answer_count)
      formats->answers[formats->answer_count++] = *answer;
   return (uint8_t)(i + 1);
}

static void keep(struct vp_image_formats *formats, const struct image_kind *kind, const struct answer *answers)
{
   pthread_mutex_lock(&formats->lock);
   if (formats->kind_count == MAX_KINDS || formats->answer_count == MAX_ANSWERS)
      forget_formats(formats);
   struct kind_answers **place = find_format_kind(formats, kind);
   if (!*place && (*place = calloc(1, sizeof(**place)))) {
      (*place)->kind = *kind;
      formats->kind_count++;
   }
   for (uint32_t i = 1; *place && i < USAGES; i++)
      (*place)->of_usage[i] = number_of(formats, &answers[i]);
   pthread_mutex_unlock(&formats->lock);
}

static bool find_format_answer(struct vp_physical_device *gpu,
                               struct vp_cmd_vkGetPhysicalDeviceImageFormatProperties2 *a)
{
   struct vp_image_formats *formats = gpu->image_formats;
   const struct image_kind kind = kind_of(a->pImageFormatInfo);
   pthread_mutex_lock(&formats->lock);
   const struct kind_answers *known = *find_format_kind(formats, &kind);
   const uint8_t number = known ? known->of_usage[a->pImageFormatInfo->usage % USAGES] : 0;
   if (number) {
      a->ret = formats->answers[number - 1].result;
      a->pImageFormatProperties->imageFormatProperties = formats->answers[number - 1].properties;
   }
   pthread_mutex_unlock(&formats->lock);
   if (number)
      vp_stats_add(&gpu->conn->stats.cached_calls, 1);
   return number != 0;
}

struct usage_question {
   VkPhysicalDeviceImageFormatInfo2 info;
   VkImageFormatProperties2 properties;
   struct vp_cmd_vkGetPhysicalDeviceImageFormatProperties2 command;
   struct vp_call call;
};

static void ask_usage(struct vp_physical_device *gpu, struct usage_question *question)
{
   question->properties.sType = VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2;
   question->command = (struct vp_cmd_vkGetPhysicalDeviceImageFormatProperties2){
      .physicalDevice = VP_TO_HANDLE(VkPhysicalDevice, gpu),
      .pImageFormatInfo = &question->info,
      .pImageFormatProperties = &question->properties,
   };
   vp_request_vkGetPhysicalDeviceImageFormatProperties2(vp_call_begin(gpu->conn), 1, &question->command);
   vp_call_queue(gpu->conn, &question->call);
}

static struct answer hear_usage(struct vp_physical_device *gpu, struct usage_question *question)
{
   VkResult result = vp_call_wait(gpu->conn, &question->call, UINT32_MAX);
   if (result == VK_SUCCESS)
      vp_reply_vkGetPhysicalDeviceImageFormatProperties2(&question->call.dec, &question->command);
   const VkResult end = vp_call_end(gpu->conn, &question->call);
   result = result != VK_SUCCESS ? result : end != VK_SUCCESS ? end : question->command.ret;
   return (struct answer){result, question->properties.imageFormatProperties};
}

/* Asks the same for all usages, with those of later versions as they are. */
static void ask_usages(struct vp_physical_device *gpu, const VkPhysicalDeviceImageFormatInfo2 *about)
{
   struct usage_question *questions = calloc(USAGES, sizeof(*questions));
   struct answer *answers = calloc(USAGES, sizeof(*answers));
   const struct image_kind kind = kind_of(about);
   if (questions && answers) {
      for (uint32_t i = 1; i < USAGES; i++) {
         questions[i].info = *about;
         questions[i].info.usage = kind.later_usages | i;
         ask_usage(gpu, &questions[i]);
      }
      vp_stats_add(&gpu->conn->stats.bursts, 1);
      for (uint32_t i = 1; i < USAGES; i++)
         answers[i] = hear_usage(gpu, &questions[i]);
      keep(gpu->image_formats, &kind, answers);
   }
   free(questions);
   free(answers);
}

/* Whether its answer is in the cache: it was asked alone, or with everything else about the GPU. */
static bool is_cached(struct vp_physical_device *gpu, const struct vp_cmd_vkGetPhysicalDeviceImageFormatProperties2 *a)
{
   struct vp_cache_question question;
   if (!vp_cache_question_begin(&question, gpu->conn))
      return false;
   vp_request_vkGetPhysicalDeviceImageFormatProperties2(&question.request, 1, a);
   const bool known = vp_cache_question_is_known(&question, &gpu->cache);
   vp_cache_question_end(&question, gpu->conn, &gpu->cache);
   return known;
}

static bool is_one_of_many(struct vp_image_formats *formats, VkFormat format)
{
   pthread_mutex_lock(&formats->lock);
   if (formats->asked_format != format)
      formats->in_a_row = 0;
   formats->asked_format = format;
   const bool many = ++formats->in_a_row > PATIENCE;
   pthread_mutex_unlock(&formats->lock);
   return many;
}

VkResult vp_image_format_ask(struct vp_physical_device *gpu, struct vp_cmd_vkGetPhysicalDeviceImageFormatProperties2 *a)
{
   const bool plain = !a->pImageFormatInfo->pNext && !a->pImageFormatProperties->pNext && a->pImageFormatInfo->usage;
   if (plain && find_format_answer(gpu, a))
      return a->ret;
   if (plain && !is_cached(gpu, a) && is_one_of_many(gpu->image_formats, a->pImageFormatInfo->format)) {
      ask_usages(gpu, a->pImageFormatInfo);
      if (find_format_answer(gpu, a))
         return a->ret;
   }
   const VkResult result = vp_ask_vkGetPhysicalDeviceImageFormatProperties2(&gpu->cache, gpu->conn, a);
   return result == VK_SUCCESS ? a->ret : result;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetPhysicalDeviceImageFormatProperties(
   VkPhysicalDevice physicalDevice, VkFormat format, VkImageType type, VkImageTiling tiling, VkImageUsageFlags usage,
   VkImageCreateFlags flags, VkImageFormatProperties *pImageFormatProperties)
{
   const VkPhysicalDeviceImageFormatInfo2 info = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_FORMAT_INFO_2,
      .format = format,
      .type = type,
      .tiling = tiling,
      .usage = usage,
      .flags = flags,
   };
   VkImageFormatProperties2 properties = {.sType = VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2};
   struct vp_cmd_vkGetPhysicalDeviceImageFormatProperties2 a = {
      .physicalDevice = physicalDevice, .pImageFormatInfo = &info, .pImageFormatProperties = &properties};
   const VkResult result = vp_image_format_ask(VP_FROM_HANDLE(struct vp_physical_device, physicalDevice), &a);
   *pImageFormatProperties = properties.imageFormatProperties;
   return result;
}
