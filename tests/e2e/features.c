/* SPDX-License-Identifier: MIT */
/* Prints all that the first GPU says of itself, as JSON: its extensions, and each member of each struct of features and
 * properties that the registry has (see tests/e2e/features/) and that an extension of the GPU, or its version of
 * Vulkan, brings. All is asked twice, with other bytes there before: null is what was not written. */

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/features/table.h"
#include "tests/e2e/need.h"

#define MOST_ROWS 1024
#define MOST_FAMILIES 32

static VkPhysicalDevice gpu;
static uint32_t gpu_version;
static VkExtensionProperties gpu_extensions[1024];
static uint32_t gpu_extension_count = 1024;

/* --- what is said --- */

/* A line of the output begins; its value is for the caller to print. */
static void begin(const char *format, ...)
{
   static bool any;
   va_list arguments;
   printf("%s\n\"", any ? "," : "{");
   va_start(arguments, format);
   vprintf(format, arguments);
   va_end(arguments);
   printf("\": ");
   any = true;
}

static void print_text(const char *text, const char *other, uint32_t room)
{
   const size_t length = strnlen(text, room);
   if (length == room || strncmp(text, other, room) != 0) {
      printf("null");
      return;
   }
   putchar('"');
   for (size_t i = 0; i < length; i++) {
      const unsigned char c = (unsigned char)text[i];
      printf(c < ' ' || c > '~' || c == '"' || c == '\\' ? "\\u%04x" : "%c", c);
   }
   putchar('"');
}

static void print_float(float value)
{
   printf(isfinite(value) ? "%.9g" : "\"%g\"", (double)value);
}

static size_t size_of(const struct member *member)
{
   static const size_t sizes[] = {[KIND_TEXT] = 1, [KIND_U8] = 1,  [KIND_U16] = 2,
                                  [KIND_U32] = 4,  [KIND_I32] = 4, [KIND_F32] = 4,
                                  [KIND_U64] = 8,  [KIND_I64] = 8, [KIND_SIZE] = sizeof(size_t)};
   return member->kind == KIND_STRUCT ? member->nested->size : sizes[member->kind];
}

/* A number that is there twice. */
static void print_number(const struct member *member, const void *value, const void *other)
{
   if (memcmp(value, other, size_of(member)) != 0) {
      printf("null");
      return;
   }
   switch (member->kind) {
   case KIND_TEXT:
   case KIND_U8:
      printf("%u", *(const uint8_t *)value);
      break;
   case KIND_U16:
      printf("%u", *(const uint16_t *)value);
      break;
   case KIND_I32:
      printf("%" PRId32, *(const int32_t *)value);
      break;
   case KIND_F32:
      print_float(*(const float *)value);
      break;
   case KIND_U64:
      printf("%" PRIu64, *(const uint64_t *)value);
      break;
   case KIND_I64:
      printf("%" PRId64, *(const int64_t *)value);
      break;
   case KIND_SIZE:
      printf("%zu", *(const size_t *)value);
      break;
   default:
      printf("%" PRIu32, *(const uint32_t *)value);
   }
}

static void print_numbers(const struct member *member, const uint8_t *values, const uint8_t *others, uint32_t count)
{
   const size_t size = size_of(member);
   putchar('[');
   for (uint32_t i = 0; i < count; i++) {
      printf(i ? ", " : "");
      print_number(member, values + i * size, others + i * size);
   }
   putchar(']');
}

static void print_struct(const char *path, const struct description *about, const uint8_t *value, const uint8_t *other);

static void print_member(const char *path, const struct member *member, const uint8_t *owner,
                         const uint8_t *other_owner)
{
   const uint8_t *value = owner + member->offset, *other = other_owner + member->offset;
   uint32_t count = member->count;
   char name[512];
   if (member->length) {
      count = *(const uint32_t *)(owner + member->length);
      value = *(uint8_t *const *)value;
      other = *(uint8_t *const *)other;
   }
   if (!value || !other)
      count = 0;
   for (uint32_t i = 0; member->kind == KIND_STRUCT && i < count; i++) {
      if (count > 1 || member->length)
         snprintf(name, sizeof(name), "%s/%s/%u", path, member->name, i);
      else
         snprintf(name, sizeof(name), "%s/%s", path, member->name);
      print_struct(name, member->nested, value + i * member->nested->size, other + i * member->nested->size);
   }
   if (member->kind == KIND_STRUCT)
      return;
   begin("%s/%s", path, member->name);
   if (member->kind == KIND_TEXT && count > 1)
      print_text((const char *)value, (const char *)other, count);
   else if (count > 1 || member->length)
      print_numbers(member, value, other, count);
   else
      print_number(member, value, other);
}

static void print_struct(const char *path, const struct description *about, const uint8_t *value, const uint8_t *other)
{
   for (unsigned i = 0; i < about->count; i++)
      print_member(path, &about->members[i], value, other);
}

/* --- what is asked --- */

static bool has_extension(const char *name, size_t length)
{
   for (uint32_t i = 0; i < gpu_extension_count; i++) {
      const char *own = gpu_extensions[i].extensionName;
      if (strlen(own) == length && strncmp(own, name, length) == 0)
         return true;
   }
   return false;
}

static bool is_brought(const struct chain_row *row)
{
   if (row->version && gpu_version >= row->version)
      return true;
   for (const char *name = row->extensions; *name; name += strspn(name, " ")) {
      const size_t length = strcspn(name, " ");
      if (has_extension(name, length))
         return true;
      name += length;
   }
   return false;
}

/* A struct of the root's kind with all that can be in its chain. */
struct chain {
   VkBaseOutStructure *head;
   void *nodes[MOST_ROWS]; /* after chain_rows; NULL: is not in it */
};

static VkBaseOutStructure *make_struct(const struct description *about, int fill)
{
   VkBaseOutStructure *made = malloc(about->size);
   NEED(made);
   memset(made, fill, about->size);
   made->sType = about->type;
   made->pNext = NULL;
   for (unsigned i = 0; i < about->count; i++) {
      if (about->members[i].length)
         memset((uint8_t *)made + about->members[i].offset, 0, sizeof(void *));
   }
   return made;
}

static void make_chain(struct chain *chain, enum root root, int fill)
{
   NEED(chain_row_count <= MOST_ROWS);
   chain->head = make_struct(roots[root], fill);
   for (unsigned i = 0; i < chain_row_count; i++) {
      chain->nodes[i] = NULL;
      if (chain_rows[i].root != root || !is_brought(&chain_rows[i]))
         continue;
      VkBaseOutStructure *node = make_struct(chain_rows[i].about, fill);
      node->pNext = chain->head->pNext;
      chain->head->pNext = node;
      chain->nodes[i] = node;
   }
}

/* Room for the arrays of which it is known how long they are; whether there are any. */
static bool make_arrays(struct chain *chain, int fill)
{
   bool any = false;
   for (unsigned i = 0; i < chain_row_count; i++) {
      const struct description *about = chain_rows[i].about;
      uint8_t *node = chain->nodes[i];
      for (unsigned m = 0; node && m < about->count; m++) {
         const struct member *member = &about->members[m];
         if (!member->length)
            continue;
         const size_t count = *(uint32_t *)(node + member->length), size = size_of(member);
         NEED(count < 10000);
         uint8_t *array = malloc(count * size + 1);
         NEED(array);
         memset(array, fill, count * size);
         for (size_t e = 0; e < count && member->kind == KIND_STRUCT && member->nested->type; e++)
            *(VkBaseOutStructure *)(void *)(array + e * size) = (VkBaseOutStructure){.sType = member->nested->type};
         memcpy(node + member->offset, &array, sizeof(array));
         any = true;
      }
   }
   return any;
}

static void free_chain(struct chain *chain)
{
   for (unsigned i = 0; i < chain_row_count; i++) {
      const struct description *about = chain_rows[i].about;
      uint8_t *node = chain->nodes[i];
      for (unsigned m = 0; node && m < about->count; m++) {
         if (about->members[m].length)
            free(*(void **)(void *)(node + about->members[m].offset));
      }
      free(node);
   }
   free(chain->head);
}

/* About a queue family and a format there are several answers. */
static void ask(const struct chain *chain, enum root root, uint32_t number)
{
   VkQueueFamilyProperties2 families[MOST_FAMILIES];
   uint32_t count = MOST_FAMILIES;
   if (root == ROOT_FEATURES) {
      vkGetPhysicalDeviceFeatures2(gpu, (void *)chain->head);
   } else if (root == ROOT_PROPERTIES) {
      vkGetPhysicalDeviceProperties2(gpu, (void *)chain->head);
   } else if (root == ROOT_MEMORY) {
      vkGetPhysicalDeviceMemoryProperties2(gpu, (void *)chain->head);
   } else if (root == ROOT_FORMAT) {
      vkGetPhysicalDeviceFormatProperties2(gpu, formats[number], (void *)chain->head);
   } else {
      memset(families, 0, sizeof(families));
      for (uint32_t i = 0; i < MOST_FAMILIES; i++)
         families[i].sType = VK_STRUCTURE_TYPE_QUEUE_FAMILY_PROPERTIES_2;
      memcpy(&families[number], chain->head, sizeof(families[number]));
      vkGetPhysicalDeviceQueueFamilyProperties2(gpu, &count, families);
      memcpy(chain->head, &families[number], sizeof(families[number]));
   }
}

static void show(const char *path, enum root root, uint32_t number)
{
   static const int fills[2] = {0, 0xff};
   static struct chain chains[2];
   char name[256];
   for (int i = 0; i < 2; i++) {
      make_chain(&chains[i], root, fills[i]);
      ask(&chains[i], root, number);
      if (make_arrays(&chains[i], fills[i]))
         ask(&chains[i], root, number);
   }
   snprintf(name, sizeof(name), "%s/%s", path, roots[root]->name);
   print_struct(name, roots[root], (void *)chains[0].head, (void *)chains[1].head);
   for (unsigned i = 0; i < chain_row_count; i++) {
      snprintf(name, sizeof(name), "%s/%s", path, chain_rows[i].about->name);
      if (chains[0].nodes[i])
         print_struct(name, chain_rows[i].about, chains[0].nodes[i], chains[1].nodes[i]);
   }
   free_chain(&chains[0]);
   free_chain(&chains[1]);
}

static void open_gpu(VkInstance *instance)
{
   const VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                          .apiVersion = VK_HEADER_VERSION_COMPLETE};
   const VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                      .pApplicationInfo = &application};
   VkPhysicalDeviceProperties properties;
   uint32_t count = 1;
   OK(vkCreateInstance(&info, NULL, instance));
   NEED(vkEnumeratePhysicalDevices(*instance, &count, &gpu) >= 0 && count == 1);
   OK(vkEnumerateDeviceExtensionProperties(gpu, NULL, &gpu_extension_count, gpu_extensions));
   vkGetPhysicalDeviceProperties(gpu, &properties);
   gpu_version = properties.apiVersion;
}

int main(void)
{
   VkInstance instance;
   uint32_t families = 0;
   char path[64];
   open_gpu(&instance);
   for (uint32_t i = 0; i < gpu_extension_count; i++) {
      begin("/extensions/%s", gpu_extensions[i].extensionName);
      printf("%u", gpu_extensions[i].specVersion);
   }
   for (unsigned i = 0; i < chain_row_count; i++) {
      if (is_brought(&chain_rows[i])) {
         begin("/brought/%s", chain_rows[i].about->name);
         printf("\"%s\"", chain_rows[i].extensions);
      }
   }
   show("", ROOT_FEATURES, 0);
   show("", ROOT_PROPERTIES, 0);
   show("", ROOT_MEMORY, 0);
   vkGetPhysicalDeviceQueueFamilyProperties(gpu, &families, NULL);
   NEED(families <= MOST_FAMILIES);
   for (uint32_t i = 0; i < families; i++) {
      snprintf(path, sizeof(path), "/queueFamilies/%u", i);
      show(path, ROOT_QUEUE_FAMILY, i);
   }
   for (uint32_t i = 0; i < format_count; i++) {
      snprintf(path, sizeof(path), "/formats/%u", (unsigned)formats[i]);
      show(path, ROOT_FORMAT, i);
   }
   printf("\n}\n");
   vkDestroyInstance(instance, NULL);
   return 0;
}
