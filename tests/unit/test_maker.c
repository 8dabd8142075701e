/* SPDX-License-Identifier: MIT */

/* Pipelines, and shaders without pipelines, that are made by threads while the executing thread goes on. */

#include <stdatomic.h>
#include <time.h>

#include "server/core/device.h"
#include "server/pipeline/maker.h"
#include "tests/unit/null_session.h"

#define THREADS 3
#define WAIT_S 20

enum { LAYOUT = FIRST_OBJECT, MODULE, CACHE, POOL, COMMANDS, PIPELINES, LAST_OBJECT = MAX_OBJECTS - 1 };

/* What the driver does with pipelines. */
static struct {
   pthread_mutex_t lock;
   pthread_cond_t changed;
   unsigned wanted;   /* so many creations wait for each other */
   unsigned inside;   /* creations that are under way */
   bool held;         /* none ends */
   bool met;          /* as many as wanted were there at once */
   unsigned failures; /* that are still to come */
   VkResult error;
   atomic_uint created, modules_destroyed, caches_destroyed, bound;
   VkShaderModule module_ended; /* the last one */
   unsigned module_in_use;      /* a module ended before its pipeline was made */
   VkPipelineCacheCreateFlags cache_flags;
} driver = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static PFN_vkCreateComputePipelines create_pipelines;
static PFN_vkDestroyShaderModule destroy_module;
static PFN_vkCreatePipelineCache create_cache;
static PFN_vkGetPipelineCacheData get_cache_data;
static unsigned created_before_data;

/* Until a condition that others change holds; not for ever. */
#define WAIT_UNTIL(condition)                                                                    \
   do {                                                                                          \
      struct timespec end;                                                                       \
      clock_gettime(CLOCK_REALTIME, &end);                                                       \
      end.tv_sec += WAIT_S;                                                                      \
      while (!(condition) && pthread_cond_timedwait(&driver.changed, &driver.lock, &end) == 0) { \
      }                                                                                          \
   } while (0)

/* Whether the creation is to fail. */
static bool stay(VkShaderModule module)
{
   pthread_mutex_lock(&driver.lock);
   driver.inside++;
   driver.module_ended = driver.module_ended == module ? VK_NULL_HANDLE : driver.module_ended;
   pthread_cond_broadcast(&driver.changed);
   WAIT_UNTIL(driver.inside >= driver.wanted && !driver.held);
   if (driver.wanted > 0)
      driver.met = driver.inside >= driver.wanted;
   driver.wanted = 0;
   pthread_cond_broadcast(&driver.changed);
   const bool fails = driver.failures > 0;
   driver.failures -= fails;
   driver.inside--;
   if (module && driver.module_ended == module)
      driver.module_in_use++;
   pthread_mutex_unlock(&driver.lock);
   return fails;
}

static VKAPI_ATTR VkResult VKAPI_CALL create(VkDevice device, VkPipelineCache cache, uint32_t count,
                                             const VkComputePipelineCreateInfo *infos,
                                             const VkAllocationCallbacks *allocator, VkPipeline *pipelines)
{
   const bool fails = stay(infos->stage.module);

   memset(pipelines, 0, count * sizeof(*pipelines));
   const VkResult result = fails ? driver.error : create_pipelines(device, cache, count, infos, allocator, pipelines);
   atomic_fetch_add(&driver.created, 1);
   return result;
}

static VKAPI_ATTR void VKAPI_CALL destroy_shader_module(VkDevice device, VkShaderModule module,
                                                        const VkAllocationCallbacks *allocator)
{
   pthread_mutex_lock(&driver.lock);
   driver.module_ended = module;
   pthread_mutex_unlock(&driver.lock);
   atomic_fetch_add(&driver.modules_destroyed, 1);
   destroy_module(device, module, allocator);
}

static VKAPI_ATTR VkResult VKAPI_CALL create_pipeline_cache(VkDevice device, const VkPipelineCacheCreateInfo *info,
                                                            const VkAllocationCallbacks *allocator,
                                                            VkPipelineCache *cache)
{
   driver.cache_flags = info->flags;
   return create_cache(device, info, allocator, cache);
}

static VKAPI_ATTR VkResult VKAPI_CALL get_pipeline_cache_data(VkDevice device, VkPipelineCache cache, size_t *size,
                                                              void *data)
{
   created_before_data = atomic_load(&driver.created);
   return get_cache_data(device, cache, size, data);
}

static VKAPI_ATTR void VKAPI_CALL bind_pipeline(VkCommandBuffer commands, VkPipelineBindPoint point,
                                                VkPipeline pipeline)
{
   (void)commands;
   (void)point;
   atomic_fetch_add(&driver.bound, pipeline != VK_NULL_HANDLE);
}

static void hold(bool held)
{
   pthread_mutex_lock(&driver.lock);
   driver.held = held;
   pthread_cond_broadcast(&driver.changed);
   pthread_mutex_unlock(&driver.lock);
}

static void wait_for_inside(unsigned count)
{
   pthread_mutex_lock(&driver.lock);
   WAIT_UNTIL(driver.inside >= count);
   CHECK(driver.inside >= count);
   pthread_mutex_unlock(&driver.lock);
}

/* --- the session --- */

static struct vps_object *object_of(unsigned which)
{
   return vps_object_find(&ctx.objects, objects[which].id);
}

static void create_module(void)
{
   static const uint32_t code[] = {0x07230203, 0x10000, 0, 1, 0};
   const VkShaderModuleCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = sizeof(code), .pCode = code};
   VkShaderModule module = OBJECT(VkShaderModule, MODULE);

   DO(vkCreateShaderModule, .device = OBJECT(VkDevice, DEVICE), .pCreateInfo = &info, .pShaderModule = &module);
}

static void open_session(void)
{
   const VkPipelineLayoutCreateInfo layout_info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
   const VkPipelineCacheCreateInfo cache_info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO,
                                                 .flags = VK_PIPELINE_CACHE_CREATE_EXTERNALLY_SYNCHRONIZED_BIT};
   const VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
   const VkDevice device = OBJECT(VkDevice, DEVICE);
   VkPipelineLayout layout = OBJECT(VkPipelineLayout, LAYOUT);
   VkPipelineCache cache = OBJECT(VkPipelineCache, CACHE);
   VkCommandPool pool = OBJECT(VkCommandPool, POOL);

   session_open();
   struct vps_device_functions *functions = &object_of(DEVICE)->device->functions;
   create_pipelines = functions->CreateComputePipelines;
   destroy_module = functions->DestroyShaderModule;
   create_cache = functions->CreatePipelineCache;
   get_cache_data = functions->GetPipelineCacheData;
   functions->CreateComputePipelines = create;
   functions->DestroyShaderModule = destroy_shader_module;
   functions->CreatePipelineCache = create_pipeline_cache;
   functions->GetPipelineCacheData = get_pipeline_cache_data;
   functions->CmdBindPipeline = bind_pipeline;
   DO(vkCreatePipelineLayout, .device = device, .pCreateInfo = &layout_info, .pPipelineLayout = &layout);
   DO(vkCreatePipelineCache, .device = device, .pCreateInfo = &cache_info, .pPipelineCache = &cache);
   DO(vkCreateCommandPool, .device = device, .pCreateInfo = &pool_info, .pCommandPool = &pool);
   create_module();
   create_commands(POOL, COMMANDS, VK_COMMAND_BUFFER_LEVEL_PRIMARY);
   begin(COMMANDS);
   driver.met = false;
   atomic_store(&driver.created, 0);
   atomic_store(&driver.modules_destroyed, 0);
   atomic_store(&driver.bound, 0);
}

static void create_pipeline(unsigned which)
{
   const VkComputePipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .layout = OBJECT(VkPipelineLayout, LAYOUT),
      .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .module = OBJECT(VkShaderModule, MODULE),
                .pName = "main"},
   };
   VkPipeline pipeline = OBJECT(VkPipeline, which);

   DO(vkCreateComputePipelines, .device = OBJECT(VkDevice, DEVICE), .pipelineCache = OBJECT(VkPipelineCache, CACHE),
      .createInfoCount = 1, .pCreateInfos = &info, .pPipelines = &pipeline);
}

static void bind(unsigned which)
{
   DO(vkCmdBindPipeline, .commandBuffer = OBJECT(VkCommandBuffer, COMMANDS),
      .pipelineBindPoint = VK_PIPELINE_BIND_POINT_COMPUTE, .pipeline = OBJECT(VkPipeline, which));
}

static void destroy_the_module(void)
{
   DO(vkDestroyShaderModule, .device = OBJECT(VkDevice, DEVICE), .shaderModule = OBJECT(VkShaderModule, MODULE));
}

/* As many at once as there are threads; who uses one waits for it. */
static void test_side_by_side(void)
{
   open_session();
   driver.wanted = THREADS;
   for (unsigned i = 0; i < THREADS; i++)
      create_pipeline(PIPELINES + i);
   for (unsigned i = 0; i < THREADS; i++)
      bind(PIPELINES + i);
   CHECK(driver.met);
   CHECK(atomic_load(&driver.bound) == THREADS);
   CHECK(object_of(PIPELINES)->type == VK_OBJECT_TYPE_PIPELINE && object_of(PIPELINES)->handle);
   session_close();
}

/* More of them than threads and than may be under way. */
static void test_many(void)
{
   open_session();
   for (unsigned round = 0; round < 30; round++) {
      for (unsigned i = PIPELINES; i < LAST_OBJECT; i++)
         create_pipeline(i);
      for (unsigned i = LAST_OBJECT - 1; i >= PIPELINES; i--) {
         bind(i);
         DO(vkDestroyPipeline, .device = OBJECT(VkDevice, DEVICE), .pipeline = OBJECT(VkPipeline, i));
         objects[i].id += UINT64_C(1) << 32;
      }
   }
   CHECK(atomic_load(&driver.bound) == 30u * (LAST_OBJECT - PIPELINES));
   session_close();
}

/* A module's id is free at once; the driver's object ends when nothing is made of it any more. */
static void test_destroyed_after_use(void)
{
   open_session();
   hold(true);
   create_pipeline(PIPELINES);
   wait_for_inside(1);
   destroy_the_module();
   CHECK(!object_of(MODULE) && atomic_load(&driver.modules_destroyed) == 0);
   objects[MODULE].id += UINT64_C(1) << 32;
   create_module();
   create_pipeline(PIPELINES + 1);
   destroy_the_module();
   CHECK(atomic_load(&driver.modules_destroyed) == 0);
   hold(false);
   bind(PIPELINES);
   bind(PIPELINES + 1);
   CHECK(session_run() && atomic_load(&driver.modules_destroyed) == 2);
   CHECK(driver.module_in_use == 0);
   objects[MODULE].id += UINT64_C(1) << 32;
   session_close();
}

/* When something has run out, the reserve is given up and it is tried again; other errors make the object unusable. */
static void test_errors(void)
{
   open_session();
   CHECK(object_of(DEVICE)->device->reserve.host);
   driver.error = VK_ERROR_OUT_OF_HOST_MEMORY;
   driver.failures = 1;
   create_pipeline(PIPELINES);
   bind(PIPELINES);
   CHECK(atomic_load(&driver.created) == 2 && atomic_load(&driver.bound) == 1);

   driver.error = VK_ERROR_INITIALIZATION_FAILED;
   driver.failures = 1;
   create_pipeline(PIPELINES + 1);
   bind(PIPELINES + 1);
   CHECK(atomic_load(&driver.bound) == 1);
   CHECK(object_of(PIPELINES + 1)->poison == VK_ERROR_INITIALIZATION_FAILED);
   CHECK(object_of(COMMANDS)->poison == VK_ERROR_INITIALIZATION_FAILED);
   session_close();
}

static void test_cache(void)
{
   size_t size = 0;

   open_session();
   CHECK(driver.cache_flags == 0);
   driver.wanted = 2;
   create_pipeline(PIPELINES);
   create_pipeline(PIPELINES + 1);
   DO(vkGetPipelineCacheData, .device = OBJECT(VkDevice, DEVICE), .pipelineCache = OBJECT(VkPipelineCache, CACHE),
      .pDataSize = &size);
   CHECK(created_before_data == 2);
   session_close();
}

/* A device waits for what is made for it, and so does the end of a session. */
static void test_end(void)
{
   open_session();
   create_pipeline(PIPELINES);
   create_pipeline(PIPELINES + 1);
   DO(vkDestroyDevice, .device = OBJECT(VkDevice, DEVICE));
   CHECK(atomic_load(&driver.created) == 2 && atomic_load(&driver.modules_destroyed) == 1);
   session_close();

   /* Its reserve is not filled again. */
   open_session();
   driver.error = VK_ERROR_OUT_OF_DEVICE_MEMORY;
   driver.failures = 1;
   create_pipeline(PIPELINES);
   DO(vkDestroyDevice, .device = OBJECT(VkDevice, DEVICE));
   session_close();

   open_session();
   create_pipeline(PIPELINES);
   destroy_the_module();
   session_close();
   CHECK(atomic_load(&driver.created) == 1 && atomic_load(&driver.modules_destroyed) == 1);
}

/* A pending object cannot be taken for something else, and its id not be given again. */
static void test_wrong_use(void)
{
   open_session();
   create_pipeline(PIPELINES);
   vp_request_vkDestroyBuffer(
      &enc, 0,
      &(struct vp_cmd_vkDestroyBuffer){.device = OBJECT(VkDevice, DEVICE), .buffer = OBJECT(VkBuffer, PIPELINES)});
   CHECK(!session_run() && strstr(ctx.error.text, "is of type"));
   session_close();

   open_session();
   create_pipeline(PIPELINES);
   const VkEventCreateInfo info = {.sType = VK_STRUCTURE_TYPE_EVENT_CREATE_INFO};
   VkEvent event = OBJECT(VkEvent, PIPELINES);
   vp_request_vkCreateEvent(
      &enc, 0,
      &(struct vp_cmd_vkCreateEvent){.device = OBJECT(VkDevice, DEVICE), .pCreateInfo = &info, .pEvent = &event});
   CHECK(!session_run() && strstr(ctx.error.text, "in use"));
   session_close();
}

/* --- shaders without pipelines --- */

#ifdef VK_EXT_shader_object

static PFN_vkCreateShadersEXT create_shaders;

static VKAPI_ATTR VkResult VKAPI_CALL create_shaders_slowly(VkDevice device, uint32_t count,
                                                            const VkShaderCreateInfoEXT *infos,
                                                            const VkAllocationCallbacks *allocator,
                                                            VkShaderEXT *shaders)
{
   const bool fails = stay(VK_NULL_HANDLE);
   memset(shaders, 0, count * sizeof(*shaders));
   return fails ? driver.error : create_shaders(device, count, infos, allocator, shaders);
}

static void create_two_shaders(unsigned which)
{
   static const uint32_t code[] = {0x07230203, 0x10000, 0, 1, 0};
   const VkShaderCreateInfoEXT info = {.sType = VK_STRUCTURE_TYPE_SHADER_CREATE_INFO_EXT,
                                       .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                                       .codeType = VK_SHADER_CODE_TYPE_SPIRV_EXT,
                                       .codeSize = sizeof(code),
                                       .pCode = code,
                                       .pName = "main"};
   const VkShaderCreateInfoEXT infos[] = {info, info};
   VkShaderEXT shaders[] = {OBJECT(VkShaderEXT, which), OBJECT(VkShaderEXT, which + 1)};

   DO(vkCreateShadersEXT, .device = OBJECT(VkDevice, DEVICE), .createInfoCount = 2, .pCreateInfos = infos,
      .pShaders = shaders);
}

static void bind_shader(unsigned which)
{
   const VkShaderStageFlagBits stage = VK_SHADER_STAGE_COMPUTE_BIT;
   const VkShaderEXT shader = OBJECT(VkShaderEXT, which);
   DO(vkCmdBindShadersEXT, .commandBuffer = OBJECT(VkCommandBuffer, COMMANDS), .stageCount = 1, .pStages = &stage,
      .pShaders = &shader);
}

static void test_shaders(void)
{
   open_session();
   struct vps_device_functions *functions = &object_of(DEVICE)->device->functions;
   create_shaders = functions->CreateShadersEXT;
   functions->CreateShadersEXT = create_shaders_slowly;
   hold(true);
   create_two_shaders(PIPELINES);
   wait_for_inside(1);
   CHECK(object_of(PIPELINES)->type == VPS_OBJECT_PENDING);
   hold(false);
   for (unsigned i = 0; i < 2; i++) {
      bind_shader(PIPELINES + i);
      CHECK(object_of(PIPELINES + i)->type == VK_OBJECT_TYPE_SHADER_EXT && object_of(PIPELINES + i)->handle);
   }
   DO(vkDestroyShaderEXT, .device = OBJECT(VkDevice, DEVICE), .shader = OBJECT(VkShaderEXT, PIPELINES));
   CHECK(!object_of(PIPELINES) && !object_of(COMMANDS)->poison);

   driver.error = VK_ERROR_INITIALIZATION_FAILED;
   driver.failures = 1;
   create_two_shaders(PIPELINES + 2);
   bind_shader(PIPELINES + 3);
   CHECK(object_of(PIPELINES + 2)->poison == VK_ERROR_INITIALIZATION_FAILED);
   CHECK(object_of(COMMANDS)->poison == VK_ERROR_INITIALIZATION_FAILED);
   session_close();
}

#else

static void test_shaders(void)
{
}

#endif

int main(void)
{
   vps_maker_allow(THREADS);
   test_side_by_side();
   test_many();
   test_destroyed_after_use();
   test_errors();
   test_cache();
   test_end();
   test_wrong_use();
   test_shaders();
   return check_finish();
}
