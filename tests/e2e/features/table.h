/* SPDX-License-Identifier: MIT */
#ifndef VP_TESTS_E2E_FEATURES_TABLE_H
#define VP_TESTS_E2E_FEATURES_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

/* What the registry says of the structs with which a GPU describes itself; see table.py. */

enum kind { KIND_TEXT, KIND_U8, KIND_U16, KIND_U32, KIND_I32, KIND_F32, KIND_U64, KIND_I64, KIND_SIZE, KIND_STRUCT };

struct member {
   const char *name;
   enum kind kind;
   size_t offset;
   uint32_t count;                   /* of an array in the struct; else 1 */
   const struct description *nested; /* of a struct */
   size_t length;                    /* of a pointer: where its number of elements is; else 0 */
};

struct description {
   const char *name;
   size_t size;
   const struct member *members; /* without sType and pNext */
   unsigned count;
   VkStructureType type; /* 0: it has none */
};

enum root { ROOT_FEATURES, ROOT_PROPERTIES, ROOT_MEMORY, ROOT_QUEUE_FAMILY, ROOT_FORMAT };

struct chain_row {
   const struct description *about;
   enum root root;
   uint32_t version;       /* of the core that has it; 0: none */
   const char *extensions; /* any of which brings it, with spaces between them */
};

extern const struct chain_row chain_rows[];
extern const unsigned chain_row_count;
extern const struct description *const roots[]; /* after enum root */
extern const VkFormat formats[];
extern const unsigned format_count;

#endif
