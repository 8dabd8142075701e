/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "server/core/objects.h"
#include "server/memory/copy_extent.h"
#include "server/memory/memory.h"
#include "server/memory/writes.h"
#include "server/record/track.h"
#include "tests/unit/check.h"

#define PAGE VPS_PAGE

/* Held by the test, so never freed. */
static struct vps_memory memories[VPS_MAX_RANGES + 1];

static void init_memories(void)
{
   for (size_t i = 0; i < sizeof(memories) / sizeof(memories[0]); i++)
      atomic_init(&memories[i].refs, 1);
}

static bool all_given_back(void)
{
   for (size_t i = 0; i < sizeof(memories) / sizeof(memories[0]); i++) {
      if (atomic_load(&memories[i].refs) != 1)
         return false;
   }
   return true;
}

static bool is_range(const struct vps_write_range *range, const struct vps_memory *memory, VkDeviceSize start,
                     VkDeviceSize end)
{
   return range->memory == memory && range->start == start && range->end == end;
}

static void test_ranges(void)
{
   struct vps_writes writes = {0};
   struct vps_memory *one = &memories[0], *two = &memories[1];
   unsigned count;

   vps_writes_add_range(&writes, one, 100, 100);
   CHECK(writes.count == 0);
   vps_writes_add_range(&writes, one, 100, 200);
   vps_writes_add_range(&writes, one, 150, PAGE + 1);
   CHECK(writes.count == 1 && is_range(&writes.ranges[0], one, 0, 2 * PAGE));
   vps_writes_add_range(&writes, two, 0, 1);
   vps_writes_add_range(&writes, one, 4 * PAGE, 5 * PAGE);
   CHECK(writes.count == 3 && is_range(&writes.ranges[2], two, 0, PAGE));
   vps_writes_add_range(&writes, one, 5 * PAGE, 5 * PAGE + 1); /* touches the second */
   CHECK(writes.count == 3 && is_range(&writes.ranges[1], one, 4 * PAGE, 6 * PAGE));
   vps_writes_add_range(&writes, one, 8 * PAGE, 9 * PAGE);
   CHECK(vps_writes_find(&writes, one, &count) == &writes.ranges[0] && count == 3);
   CHECK(vps_writes_find(&writes, two, &count) == &writes.ranges[3] && count == 1);
   vps_writes_find(&writes, &memories[2], &count);
   CHECK(count == 0);
   vps_writes_add_range(&writes, one, 3 * PAGE, 8 * PAGE); /* what lies between them, and all of one */
   CHECK(writes.count == 3 && is_range(&writes.ranges[1], one, 3 * PAGE, 9 * PAGE));
   vps_writes_add_range(&writes, one, 2 * PAGE, 3 * PAGE);
   CHECK(writes.count == 2 && is_range(&writes.ranges[0], one, 0, 9 * PAGE) &&
         is_range(&writes.ranges[1], two, 0, PAGE));
   CHECK(writes.classes == 0);
   vps_writes_finish(&writes);
   CHECK(all_given_back());
}

/* In any order: they are sorted, apart from each other, and nothing is lost or comes without need. */
static void test_any_order(void)
{
   struct vps_writes writes = {0};
   bool written[3][256] = {{false}};
   uint32_t random = 1;

   for (unsigned i = 0; i < 400; i++) {
      random = random * 1664525 + 1013904223;
      const unsigned memory = random >> 24 & 1 ? 1 : random >> 25 & 2, page = random >> 8 & 0xff;
      vps_writes_add_range(&writes, &memories[memory], page * PAGE, page * PAGE + 1);
      written[memory][page] = true;
   }
   for (unsigned memory = 0; memory < 3; memory++) {
      unsigned count;
      const struct vps_write_range *ranges = vps_writes_find(&writes, &memories[memory], &count);
      for (unsigned i = 0; i < count; i++) {
         CHECK(ranges[i].start < ranges[i].end && (i == 0 || ranges[i - 1].end < ranges[i].start));
         for (VkDeviceSize at = ranges[i].start; at < ranges[i].end; at += PAGE) {
            CHECK(written[memory][at / PAGE]);
            written[memory][at / PAGE] = false;
         }
      }
      for (unsigned page = 0; page < 256; page++)
         CHECK(!written[memory][page]);
   }
   vps_writes_finish(&writes);
   CHECK(all_given_back());
}

/* Too many of one memory grow together, of too many memories everything is written. */
static void test_too_many(void)
{
   const unsigned many = 3 * VPS_MAX_RANGES;
   struct vps_writes writes = {0};

   for (unsigned i = 0; i < many; i++)
      vps_writes_add_range(&writes, &memories[0], (VkDeviceSize)i * 2 * PAGE, ((VkDeviceSize)i * 2 + 1) * PAGE);
   CHECK(writes.count <= VPS_MAX_RANGES && writes.classes == 0);
   for (unsigned i = 0; i < many; i++) {
      bool covered = false;
      for (unsigned k = 0; k < writes.count; k++)
         covered = covered || (writes.ranges[k].start <= (VkDeviceSize)i * 2 * PAGE &&
                               writes.ranges[k].end >= ((VkDeviceSize)i * 2 + 1) * PAGE);
      CHECK(covered);
   }
   vps_writes_finish(&writes);

   for (unsigned i = 0; i <= VPS_MAX_RANGES; i++)
      vps_writes_add_range(&writes, &memories[i], 0, 1);
   CHECK(writes.classes == VPS_WRITES_ALL && writes.count == 0);
   vps_writes_add_range(&writes, &memories[0], 0, 1);
   CHECK(writes.count == 0);
   vps_writes_finish(&writes);
   CHECK(all_given_back());
}

static void test_union(void)
{
   struct vps_writes one = {.classes = VPS_WRITES_STORAGE}, two = {.classes = VPS_WRITES_IMAGE};

   vps_writes_add_range(&one, &memories[0], 0, 1);
   vps_writes_add_range(&two, &memories[0], PAGE, PAGE + 1);
   vps_writes_add_range(&two, &memories[1], 0, 1);
   vps_writes_add(&one, &two);
   CHECK(one.classes == (VPS_WRITES_STORAGE | VPS_WRITES_IMAGE) && one.count == 2);
   CHECK(is_range(&one.ranges[0], &memories[0], 0, 2 * PAGE));
   two.classes = VPS_WRITES_ALL;
   vps_writes_add(&one, &two);
   CHECK(one.classes == VPS_WRITES_ALL && one.count == 0);
   vps_writes_finish(&one);
   vps_writes_finish(&two);
   CHECK(all_given_back());
}

/* A track that a submission holds stays as it is while the command buffer goes on. */
static void test_track(void)
{
   struct vps_track *track = NULL, *secondary = NULL;

   CHECK(vps_track_add_write(&track, &memories[0], 0, 1) && track->writes.count == 1);
   struct vps_track *submitted = vps_track_ref(track);
   CHECK(vps_track_add_classes(&track, VPS_WRITES_STORAGE) && track != submitted);
   CHECK(submitted->writes.classes == 0 && track->writes.classes == VPS_WRITES_STORAGE && track->writes.count == 1);
   CHECK(vps_track_add_write(&secondary, &memories[1], 0, 1) && vps_track_merge(&track, secondary));
   CHECK(track->writes.count == 2 && submitted->writes.count == 1);

   /* Sets that count late, each once; too many of them count as all storage. */
   struct vps_object sets[300] = {{0}};
   for (unsigned i = 0; i < 600; i++) {
      sets[i / 2].id = i / 2 + 1;
      CHECK(vps_track_add_late(&secondary, &sets[i / 2]));
      CHECK(i / 2 != 200 || (secondary->late_count == 201 && secondary->writes.classes == 0));
   }
   CHECK(secondary->late_count < 300 && secondary->writes.classes == VPS_WRITES_STORAGE);
   CHECK(vps_track_merge(&track, secondary) && track->late_count == secondary->late_count);
   CHECK(submitted->late_count == 0);
   vps_track_unref(track);
   vps_track_unref(secondary);
   vps_track_unref(submitted);
   CHECK(all_given_back());
}

/* --- copies of images to buffers --- */

static VkBufferImageCopy region(uint32_t width, uint32_t height, uint32_t depth, uint32_t layers)
{
   return (VkBufferImageCopy){
      .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, layers},
      .imageExtent = {width, height, depth},
   };
}

static void test_copy_extent(void)
{
   VkBufferImageCopy copy = region(10, 5, 1, 1);
   CHECK(vps_copy_extent(VK_FORMAT_R8G8B8A8_UNORM, &copy) == 200);
   copy.bufferRowLength = 16;
   CHECK(vps_copy_extent(VK_FORMAT_R8G8B8A8_UNORM, &copy) == 296); /* 4 rows of 16 texels and 10 more */
   copy.imageSubresource.layerCount = 3;
   CHECK(vps_copy_extent(VK_FORMAT_R8G8B8A8_UNORM, &copy) == 936);
   copy.bufferImageHeight = 8;
   CHECK(vps_copy_extent(VK_FORMAT_R8G8B8A8_UNORM, &copy) == 1320);
   copy = region(10, 5, 7, 1);
   CHECK(vps_copy_extent(VK_FORMAT_R16_UNORM, &copy) == 700);

   copy = region(10, 5, 1, 1); /* 3 x 2 blocks */
   CHECK(vps_copy_extent(VK_FORMAT_BC1_RGB_UNORM_BLOCK, &copy) == 48);
   copy.bufferRowLength = 64;
   CHECK(vps_copy_extent(VK_FORMAT_BC1_RGB_UNORM_BLOCK, &copy) == 152);

   copy = region(10, 5, 1, 1);
   copy.imageSubresource.aspectMask = VK_IMAGE_ASPECT_STENCIL_BIT;
   CHECK(vps_copy_extent(VK_FORMAT_D32_SFLOAT_S8_UINT, &copy) == 50);
   copy.imageSubresource.aspectMask = VK_IMAGE_ASPECT_DEPTH_BIT;
   CHECK(vps_copy_extent(VK_FORMAT_D32_SFLOAT_S8_UINT, &copy) == 200);
   copy.imageSubresource.aspectMask = VK_IMAGE_ASPECT_PLANE_1_BIT;
   CHECK(vps_copy_extent(VK_FORMAT_G8_B8R8_2PLANE_420_UNORM, &copy) == 100);
}

/* What cannot be told is as large as it can be, and no number is too large. */
static void test_copy_extent_bounds(void)
{
   VkBufferImageCopy copy = region(10, 5, 1, 1);

   CHECK(vps_copy_extent((VkFormat)123456789, &copy) == VK_WHOLE_SIZE);
   CHECK(vps_copy_extent(VK_FORMAT_UNDEFINED, &copy) == VK_WHOLE_SIZE);
   copy.imageSubresource.aspectMask = VK_IMAGE_ASPECT_PLANE_2_BIT; /* there is no such plane */
   CHECK(vps_copy_extent(VK_FORMAT_G8_B8R8_2PLANE_420_UNORM, &copy) == VK_WHOLE_SIZE);
   copy = region(10, 5, 1, VK_REMAINING_ARRAY_LAYERS);
   CHECK(vps_copy_extent(VK_FORMAT_R8_UNORM, &copy) == VK_WHOLE_SIZE);
   copy = region(UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX - 1);
   CHECK(vps_copy_extent(VK_FORMAT_R32G32B32A32_SFLOAT, &copy) == VK_WHOLE_SIZE);
   copy.bufferRowLength = copy.bufferImageHeight = UINT32_MAX;
   CHECK(vps_copy_extent(VK_FORMAT_R32G32B32A32_SFLOAT, &copy) == VK_WHOLE_SIZE);
   copy = region(0, 5, 1, 1);
   CHECK(vps_copy_extent(VK_FORMAT_R8_UNORM, &copy) == 0);
   copy = region(10, 5, 1, 0);
   CHECK(vps_copy_extent(VK_FORMAT_R8_UNORM, &copy) == 0);
}

int main(void)
{
   init_memories();
   test_ranges();
   test_any_order();
   test_too_many();
   test_union();
   test_track();
   test_copy_extent();
   test_copy_extent_bounds();
   return check_finish();
}
