/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_PIPELINE_DESCRIPTOR_WRITE_H
#define VP_CLIENT_PIPELINE_DESCRIPTOR_WRITE_H

#include <stddef.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

struct vp_descriptor_set_layout;

#define VP_DESCRIPTOR_WRITER_SIZE 4096

/* Takes descriptor writes, leaves out everything that their type does not use
 * (an encoder follows every pointer and every handle), and says the rest in
 * as many commands as its memory needs. Allocates nothing and cannot fail. */
struct vp_descriptor_writer {
   void (*say)(void *target, uint32_t count, const VkWriteDescriptorSet *writes);
   void *target;
   uint32_t count; /* of writes, at the front of the memory */
   size_t tail;    /* bytes at its end: what the writes point to */
   union {
      VkWriteDescriptorSet writes[VP_DESCRIPTOR_WRITER_SIZE / sizeof(VkWriteDescriptorSet)];
      uint8_t bytes[VP_DESCRIPTOR_WRITER_SIZE];
   } memory;
};

/* `say` sends or records writes, which it must not keep. */
void vp_descriptor_writer_init(struct vp_descriptor_writer *writer,
                               void (*say)(void *target, uint32_t count, const VkWriteDescriptorSet *writes),
                               void *target);

/* Adds a write to a set of that layout. What the write points to is used until
 * the flush. */
void vp_descriptor_writer_add(struct vp_descriptor_writer *writer, const struct vp_descriptor_set_layout *layout,
                              const VkWriteDescriptorSet *write);

/* Same for an entry of an update template and the template's data. */
void vp_descriptor_writer_add_entry(struct vp_descriptor_writer *writer, const struct vp_descriptor_set_layout *layout,
                                    VkDescriptorSet set, const VkDescriptorUpdateTemplateEntry *entry,
                                    const void *data);

/* Says what has not been said yet. */
void vp_descriptor_writer_flush(struct vp_descriptor_writer *writer);

#endif
