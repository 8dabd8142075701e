/* SPDX-License-Identifier: MIT */
#include "client/link/object.h"
#include "client/link/object_table.h"
#include "common/net/limits.h"
#include "tests/unit/check.h"

#define FREED 5000 /* more than what the table begins with */

static struct vp_object_table table;

static struct vp_object *find(uint64_t id)
{
   pthread_mutex_lock(&table.lock);
   struct vp_object *object = vp_object_table_find(&table, id);
   pthread_mutex_unlock(&table.lock);
   return object;
}

static void test_late_messages(void)
{
   struct vp_object first = {0}, second = {0};
   vp_object_table_init(&table);
   CHECK(!find(0) && !find(1) && !find(UINT64_MAX));
   CHECK(vp_object_table_add(&table, &first) && first.id == 1 && find(1) == &first);
   vp_object_table_remove(&table, &first);
   CHECK(!find(first.id));
   CHECK(vp_object_table_add(&table, &second));
   CHECK((uint32_t)second.id == (uint32_t)first.id && second.id != first.id);
   CHECK(find(second.id) == &second && !find(first.id) && !find(0));
   vp_object_table_finish(&table);
}

static void test_replacement(void)
{
   struct vp_object object = {.type = VK_OBJECT_TYPE_PIPELINE_LAYOUT}, other = {0}, next = {0};
   vp_object_table_init(&table);
   CHECK(vp_object_table_add(&table, &object));
   vp_object_table_replace(&table, &object, &other);
   CHECK(other.id == object.id && other.type == object.type && find(object.id) == &other);
   CHECK(vp_object_table_add(&table, &next) && (uint32_t)next.id != (uint32_t)other.id);
   vp_object_table_remove(&table, &other);
   CHECK(!find(object.id));
   vp_object_table_finish(&table);
}

static void test_used_up(void)
{
   static struct vp_object objects[FREED], rest;
   uint32_t count = 0;
   vp_object_table_init(&table);
   while (count < FREED && vp_object_table_add(&table, &objects[count]))
      count++;
   CHECK(count == FREED && find(objects[0].id) == &objects[0]);
   while (vp_object_table_add(&table, &rest))
      count++;
   CHECK(count == VP_MAX_SLOTS - 1);
   for (uint32_t i = 0; i < FREED; i++)
      vp_object_table_remove(&table, &objects[i]);
   for (count = 0; vp_object_table_add(&table, &rest); count++)
      ;
   CHECK(count == FREED);
   vp_object_table_finish(&table);
}

static void test_objects(void)
{
   const VkAllocationCallbacks *allocator = vp_allocator(NULL, NULL);
   vp_object_table_init(&table);
   struct vp_object *object = vp_object_create(&table, allocator, VK_OBJECT_TYPE_FENCE, sizeof(*object));
   if (!CHECK(object))
      return;
   const uint64_t id = object->id;
   CHECK(find(id) == object && object->type == VK_OBJECT_TYPE_FENCE && vp_object_id((uintptr_t)object) == id);
   vp_object_destroy(&table, allocator, object);
   CHECK(!find(id));
   vp_object_destroy(&table, allocator, NULL);
   vp_object_table_finish(&table);
}

int main(void)
{
   test_late_messages();
   test_replacement();
   test_used_up();
   test_objects();
   return check_finish();
}
