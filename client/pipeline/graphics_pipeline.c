/* SPDX-License-Identifier: MIT */

/* Which parts of a VkGraphicsPipelineCreateInfo count, and which may be garbage. */

#include <string.h>

#include "client/core/chain.h"
#include "client/pipeline/pipeline.h"
#include "client/pipeline/render_pass.h"
#include "client/vp_chains.h"

/* Subsets of the state, for short. */
enum {
   VERTEX_INPUT = VK_GRAPHICS_PIPELINE_LIBRARY_VERTEX_INPUT_INTERFACE_BIT_EXT,
   PRE_RASTERIZATION = VK_GRAPHICS_PIPELINE_LIBRARY_PRE_RASTERIZATION_SHADERS_BIT_EXT,
   FRAGMENT_SHADER = VK_GRAPHICS_PIPELINE_LIBRARY_FRAGMENT_SHADER_BIT_EXT,
   FRAGMENT_OUTPUT = VK_GRAPHICS_PIPELINE_LIBRARY_FRAGMENT_OUTPUT_INTERFACE_BIT_EXT,
   ALL_SUBSETS = VERTEX_INPUT | PRE_RASTERIZATION | FRAGMENT_SHADER | FRAGMENT_OUTPUT,
};

/* Dynamic states because of which something else does not count. */
enum {
   DYNAMIC_VIEWPORTS = 1 << 0,
   DYNAMIC_SCISSORS = 1 << 1,
   DYNAMIC_DISCARD = 1 << 2,
   DYNAMIC_VERTEX_INPUT = 1 << 3,
   DYNAMIC_SAMPLES = 1 << 4,
   DYNAMIC_SAMPLE_MASK = 1 << 5,
};

#define TESSELLATION_STAGES \
   ((VkShaderStageFlags)(VK_SHADER_STAGE_TESSELLATION_CONTROL_BIT | VK_SHADER_STAGE_TESSELLATION_EVALUATION_BIT))

/* The decisions about one create-info. */
struct plan {
   uint32_t direct; /* subsets that the struct itself gives */
   uint32_t dynamic;
   bool vertex;   /* there is or may be a vertex shader */
   bool discards; /* rasterization is known to be off */
   bool known;    /* the attachments are */
};

static uint32_t dynamic_state(VkDynamicState state)
{
   switch ((uint32_t)state) {
   case VK_DYNAMIC_STATE_VIEWPORT:
   case VK_DYNAMIC_STATE_VIEWPORT_WITH_COUNT:
      return DYNAMIC_VIEWPORTS;
   case VK_DYNAMIC_STATE_SCISSOR:
   case VK_DYNAMIC_STATE_SCISSOR_WITH_COUNT:
      return DYNAMIC_SCISSORS;
   case VK_DYNAMIC_STATE_RASTERIZER_DISCARD_ENABLE:
      return DYNAMIC_DISCARD;
   case VK_DYNAMIC_STATE_VERTEX_INPUT_EXT:
      return DYNAMIC_VERTEX_INPUT;
   case VK_DYNAMIC_STATE_RASTERIZATION_SAMPLES_EXT:
      return DYNAMIC_SAMPLES;
   case VK_DYNAMIC_STATE_SAMPLE_MASK_EXT:
      return DYNAMIC_SAMPLE_MASK;
   default:
      return 0;
   }
}

static uint32_t dynamic_states(const VkPipelineDynamicStateCreateInfo *info)
{
   uint32_t states = 0;
   for (uint32_t i = 0; info && i < info->dynamicStateCount; i++)
      states |= dynamic_state(info->pDynamicStates[i]);
   return states;
}

static uint32_t direct_subsets(const VkGraphicsPipelineCreateInfo *info)
{
   const VkGraphicsPipelineLibraryCreateInfoEXT *library =
      vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_LIBRARY_CREATE_INFO_EXT);
   const VkPipelineLibraryCreateInfoKHR *linked =
      vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_PIPELINE_LIBRARY_CREATE_INFO_KHR);
   if (library)
      return library->flags & ALL_SUBSETS;
   if ((linked && linked->libraryCount) ||
       vp_pipeline_flags(info->flags, info->pNext) & VK_PIPELINE_CREATE_LIBRARY_BIT_KHR)
      return 0;
   return ALL_SUBSETS;
}

static void add_library(struct vp_pipeline_facts *facts, const struct vp_pipeline_facts *library)
{
   facts->subsets |= library->subsets;
   if (library->subsets & PRE_RASTERIZATION) {
      facts->vertex_shader = library->vertex_shader;
      facts->discards = library->discards;
   }
   if (library->subsets & FRAGMENT_OUTPUT)
      facts->aspects = library->aspects;
}

static void add_libraries(struct vp_pipeline_facts *facts, const VkGraphicsPipelineCreateInfo *info)
{
   const VkPipelineLibraryCreateInfoKHR *linked =
      vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_PIPELINE_LIBRARY_CREATE_INFO_KHR);
   for (uint32_t i = 0; linked && i < linked->libraryCount; i++) {
      const struct vp_pipeline *library = VP_FROM_HANDLE(struct vp_pipeline, linked->pLibraries[i]);
      if (library)
         add_library(facts, &library->facts);
   }
}

static VkShaderStageFlags gather_stages(uint32_t count, const VkPipelineShaderStageCreateInfo *given)
{
   VkShaderStageFlags all = 0;
   for (uint32_t i = 0; i < count; i++)
      all |= (VkShaderStageFlags)given[i].stage;
   return all;
}

static VkShaderStageFlags stages(const VkGraphicsPipelineCreateInfo *info)
{
   return gather_stages(info->stageCount, info->pStages);
}

static VkImageAspectFlags subpass_aspects(const VkGraphicsPipelineCreateInfo *info)
{
   const struct vp_render_pass *pass = VP_FROM_HANDLE(struct vp_render_pass, info->renderPass);
   return info->subpass < pass->subpass_count ? pass->subpasses[info->subpass].aspects : 0;
}

static VkImageAspectFlags rendering_aspects(const VkGraphicsPipelineCreateInfo *info)
{
   const VkPipelineRenderingCreateInfo *rendering =
      vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_PIPELINE_RENDERING_CREATE_INFO);
   VkImageAspectFlags aspects = 0;
   if (!rendering)
      return 0;
   if (rendering->colorAttachmentCount)
      aspects |= VK_IMAGE_ASPECT_COLOR_BIT;
   if (rendering->depthAttachmentFormat != VK_FORMAT_UNDEFINED)
      aspects |= VK_IMAGE_ASPECT_DEPTH_BIT;
   if (rendering->stencilAttachmentFormat != VK_FORMAT_UNDEFINED)
      aspects |= VK_IMAGE_ASPECT_STENCIL_BIT;
   return aspects;
}

/* Looks at nothing that may be garbage; `facts` gets those of the whole pipeline. */
static struct plan make_plan(const VkGraphicsPipelineCreateInfo *info, struct vp_pipeline_facts *facts)
{
   struct plan plan = {.direct = direct_subsets(info), .dynamic = dynamic_states(info->pDynamicState)};
   add_libraries(facts, info);
   facts->subsets |= plan.direct;
   if (plan.direct & PRE_RASTERIZATION) {
      const VkPipelineRasterizationStateCreateInfo *rasterization = info->pRasterizationState;
      facts->vertex_shader = stages(info) & VK_SHADER_STAGE_VERTEX_BIT;
      facts->discards = rasterization && rasterization->rasterizerDiscardEnable && !(plan.dynamic & DYNAMIC_DISCARD);
   }
   if (plan.direct & (PRE_RASTERIZATION | FRAGMENT_SHADER | FRAGMENT_OUTPUT) && info->renderPass)
      facts->aspects = subpass_aspects(info);
   else if (plan.direct & FRAGMENT_OUTPUT)
      facts->aspects = facts->discards ? 0 : rendering_aspects(info);
   plan.vertex = !(facts->subsets & PRE_RASTERIZATION) || facts->vertex_shader;
   plan.discards = facts->discards;
   plan.known = facts->subsets & FRAGMENT_OUTPUT || info->renderPass;
   return plan;
}

/* --- parts of the struct; each may be replaced by a copy --- */

static void *duplicate(struct vp_arena *arena, const void *original, size_t size)
{
   void *copy = vp_arena_alloc(arena, size);
   return copy ? memcpy(copy, original, size) : NULL;
}

static bool clean_viewport(struct vp_arena *arena, const struct plan *plan, VkGraphicsPipelineCreateInfo *clean)
{
   if (!(plan->direct & PRE_RASTERIZATION) || plan->discards)
      clean->pViewportState = NULL;
   if (!clean->pViewportState || !(plan->dynamic & (DYNAMIC_VIEWPORTS | DYNAMIC_SCISSORS)))
      return true;
   VkPipelineViewportStateCreateInfo *viewport = duplicate(arena, clean->pViewportState, sizeof(*viewport));
   if (!viewport)
      return false;
   if (plan->dynamic & DYNAMIC_VIEWPORTS)
      viewport->pViewports = NULL;
   if (plan->dynamic & DYNAMIC_SCISSORS)
      viewport->pScissors = NULL;
   clean->pViewportState = viewport;
   return true;
}

static bool clean_multisample(struct vp_arena *arena, const struct plan *plan, VkGraphicsPipelineCreateInfo *clean)
{
   if (!(plan->direct & (FRAGMENT_SHADER | FRAGMENT_OUTPUT)) || plan->discards)
      clean->pMultisampleState = NULL;
   if (!clean->pMultisampleState || !(plan->dynamic & (DYNAMIC_SAMPLES | DYNAMIC_SAMPLE_MASK)))
      return true;
   VkPipelineMultisampleStateCreateInfo *multisample = duplicate(arena, clean->pMultisampleState, sizeof(*multisample));
   if (!multisample)
      return false;
   if (plan->dynamic & DYNAMIC_SAMPLE_MASK)
      multisample->pSampleMask = NULL;
   const uint32_t samples = (uint32_t)multisample->rasterizationSamples; /* the mask's length, and perhaps garbage */
   if (samples > VK_SAMPLE_COUNT_64_BIT || samples == 0)
      multisample->rasterizationSamples = VK_SAMPLE_COUNT_1_BIT;
   clean->pMultisampleState = multisample;
   return true;
}

static void forget_locations(const VkGraphicsPipelineCreateInfo *clean)
{
#ifdef VK_KHR_dynamic_rendering_local_read
   VkRenderingAttachmentLocationInfoKHR *locations =
      vp_chain_find(clean->pNext, VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_LOCATION_INFO_KHR);
   if (locations) {
      locations->colorAttachmentCount = 0;
      locations->pColorAttachmentLocations = NULL;
   }
#else
   (void)clean;
#endif
}

/* Without a render pass, the chain says what it would have said. The view mask
 * is of more subsets than the attachments are. */
static void clean_chain(const struct plan *plan, const VkGraphicsPipelineCreateInfo *clean)
{
   if (plan->direct & FRAGMENT_OUTPUT && !clean->renderPass && !plan->discards)
      return;
   VkPipelineRenderingCreateInfo *rendering =
      vp_chain_find(clean->pNext, VK_STRUCTURE_TYPE_PIPELINE_RENDERING_CREATE_INFO);
   if (rendering) {
      rendering->colorAttachmentCount = 0;
      rendering->pColorAttachmentFormats = NULL;
      rendering->depthAttachmentFormat = VK_FORMAT_UNDEFINED;
      rendering->stencilAttachmentFormat = VK_FORMAT_UNDEFINED;
   }
   forget_locations(clean);
}

static void clean_plain_parts(const struct plan *plan, const struct vp_pipeline_facts *facts,
                              VkGraphicsPipelineCreateInfo *clean)
{
   const uint32_t direct = plan->direct;
   if (!(direct & (PRE_RASTERIZATION | FRAGMENT_SHADER))) {
      clean->stageCount = 0;
      clean->pStages = NULL;
   }
   if (!(direct & VERTEX_INPUT) || !plan->vertex || plan->dynamic & DYNAMIC_VERTEX_INPUT)
      clean->pVertexInputState = NULL;
   if (!(direct & VERTEX_INPUT) || !plan->vertex)
      clean->pInputAssemblyState = NULL;
   if (!(direct & PRE_RASTERIZATION) || !(stages(clean) & TESSELLATION_STAGES))
      clean->pTessellationState = NULL;
   if (!(direct & PRE_RASTERIZATION))
      clean->pRasterizationState = NULL;
   if (!(direct & FRAGMENT_OUTPUT) || plan->discards || !(facts->aspects & VK_IMAGE_ASPECT_COLOR_BIT))
      clean->pColorBlendState = NULL;
   if (!(direct & FRAGMENT_SHADER) || plan->discards ||
       (plan->known && !(facts->aspects & (VK_IMAGE_ASPECT_DEPTH_BIT | VK_IMAGE_ASPECT_STENCIL_BIT))))
      clean->pDepthStencilState = NULL;
   if (!(facts->subsets & PRE_RASTERIZATION) && (!(facts->subsets & FRAGMENT_SHADER) || plan->discards))
      clean->layout = VK_NULL_HANDLE;
   if (!(direct & (PRE_RASTERIZATION | FRAGMENT_SHADER | FRAGMENT_OUTPUT)))
      clean->renderPass = VK_NULL_HANDLE;
}

/* Groups of shaders have states that count only where there are such shaders. */
static bool clean_groups(struct vp_arena *arena, const struct plan *plan, const VkGraphicsPipelineCreateInfo *clean)
{
   VkGraphicsPipelineShaderGroupsCreateInfoNV *info =
      vp_chain_find(clean->pNext, VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_SHADER_GROUPS_CREATE_INFO_NV);
   VkGraphicsShaderGroupCreateInfoNV *groups;
   if (!info || !info->groupCount)
      return true;
   groups = vp_arena_alloc_array(arena, info->groupCount, sizeof(*groups));
   for (uint32_t i = 0; groups && i < info->groupCount; i++) {
      const VkShaderStageFlags all = gather_stages(info->pGroups[i].stageCount, info->pGroups[i].pStages);
      groups[i] = info->pGroups[i];
      if (!(all & VK_SHADER_STAGE_VERTEX_BIT) || plan->dynamic & DYNAMIC_VERTEX_INPUT)
         groups[i].pVertexInputState = NULL;
      if (!(all & TESSELLATION_STAGES))
         groups[i].pTessellationState = NULL;
   }
   info->pGroups = groups;
   return groups != NULL;
}

bool vp_graphics_pipeline_clean(struct vp_arena *arena, VkGraphicsPipelineCreateInfo *info,
                                struct vp_pipeline_facts *facts)
{
   *facts = (struct vp_pipeline_facts){0};
   const struct plan plan = make_plan(info, facts);
   clean_plain_parts(&plan, facts, info);
   clean_chain(&plan, info);
   return clean_viewport(arena, &plan, info) && clean_multisample(arena, &plan, info) &&
          clean_groups(arena, &plan, info);
}
