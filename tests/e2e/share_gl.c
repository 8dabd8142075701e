/* SPDX-License-Identifier: MIT */

/* OpenGL on Zink and Vulkan share an image in one process (GL_EXT_memory_object_fd): what one writes the other reads.
 * Exit status 77 where there is no such OpenGL. */

#include <dlfcn.h>

#include "tests/e2e/share_objects.h"

/* What is used of EGL and OpenGL, so that nobody needs their headers. */
typedef void (*function)(void);
typedef function (*get_function)(const char *name);

enum {
   EGL_NONE = 0x3038,
   EGL_PLATFORM_SURFACELESS = 0x31dd,
   EGL_OPENGL_API = 0x30a2,
   EGL_RENDERABLE_TYPE = 0x3040,
   EGL_OPENGL_BIT = 8,
   EGL_SURFACE_TYPE = 0x3033,
   EGL_CONTEXT_MAJOR = 0x3098,
   EGL_CONTEXT_MINOR = 0x30fb,
   EGL_PROFILE_MASK = 0x30fd,
   GL_RENDERER = 0x1f01,
   GL_EXTENSIONS = 0x1f03,
   GL_NUM_EXTENSIONS = 0x821d,
   GL_DEDICATED_MEMORY_OBJECT = 0x9581,
   GL_HANDLE_TYPE_OPAQUE_FD = 0x9586,
   GL_TEXTURE_2D = 0xde1,
   GL_RGBA = 0x1908,
   GL_RGBA8 = 0x8058,
   GL_UNSIGNED_BYTE = 0x1401,
   GL_FRAMEBUFFER = 0x8d40,
   GL_COLOR_ATTACHMENT0 = 0x8ce0,
   GL_COLOR_BUFFER_BIT = 0x4000,
};

static get_function get;

#define GL(result, name, ...) result (*name)(__VA_ARGS__) = (result(*)(__VA_ARGS__))get(#name)

static void give_up(const char *why)
{
   printf("no OpenGL that shares: %s\n", why);
   exit(77);
}

static void open_opengl(void)
{
   const int config_wanted[] = {EGL_RENDERABLE_TYPE, EGL_OPENGL_BIT, EGL_SURFACE_TYPE, 0, EGL_NONE},
             context_wanted[] = {EGL_CONTEXT_MAJOR, 4, EGL_CONTEXT_MINOR, 3, EGL_PROFILE_MASK, 1, EGL_NONE};
   void *library = dlopen("libEGL.so.1", RTLD_NOW | RTLD_GLOBAL), *config = NULL;
   int count = 0;
   get = library ? (get_function)dlsym(library, "eglGetProcAddress") : NULL;
   if (!get)
      give_up("no EGL");
   GL(void *, eglGetPlatformDisplay, unsigned, void *, const intptr_t *);
   GL(unsigned, eglInitialize, void *, int *, int *);
   GL(unsigned, eglBindAPI, unsigned);
   GL(unsigned, eglChooseConfig, void *, const int *, void **, int, int *);
   GL(void *, eglCreateContext, void *, void *, void *, const int *);
   GL(unsigned, eglMakeCurrent, void *, void *, void *, void *);
   void *display = eglGetPlatformDisplay ? eglGetPlatformDisplay(EGL_PLATFORM_SURFACELESS, NULL, NULL) : NULL;
   if (!display || !eglInitialize(display, NULL, NULL) || !eglBindAPI(EGL_OPENGL_API) ||
       !eglChooseConfig(display, config_wanted, &config, 1, &count) || !count)
      give_up("no display");
   void *context = eglCreateContext(display, config, NULL, context_wanted);
   if (!context || !eglMakeCurrent(display, NULL, NULL, context))
      give_up("no context");
}

static void need_sharing(void)
{
   GL(const char *, glGetString, unsigned);
   GL(const char *, glGetStringi, unsigned, unsigned);
   GL(void, glGetIntegerv, unsigned, int *);
   int count = 0;
   bool found = false;
   glGetIntegerv(GL_NUM_EXTENSIONS, &count);
   for (int i = 0; i < count; i++)
      found = found || strcmp(glGetStringi(GL_EXTENSIONS, (unsigned)i), "GL_EXT_memory_object_fd") == 0;
   if (!found || strncmp(glGetString(GL_RENDERER), "zink", 4) != 0)
      give_up(glGetString(GL_RENDERER));
   fprintf(stderr, "%s\n", glGetString(GL_RENDERER));
}

/* A texture that is the image, bound for drawing and reading. */
static void import_texture(const struct shared_image *image, int fd)
{
   GL(void, glCreateMemoryObjectsEXT, int, unsigned *);
   GL(void, glMemoryObjectParameterivEXT, unsigned, unsigned, const int *);
   GL(void, glImportMemoryFdEXT, unsigned, uint64_t, unsigned, int);
   GL(void, glGenTextures, int, unsigned *);
   GL(void, glBindTexture, unsigned, unsigned);
   GL(void, glTexStorageMem2DEXT, unsigned, int, unsigned, int, int, unsigned, uint64_t);
   GL(void, glGenFramebuffers, int, unsigned *);
   GL(void, glBindFramebuffer, unsigned, unsigned);
   GL(void, glFramebufferTexture2D, unsigned, unsigned, unsigned, unsigned, int);
   const int yes = 1;
   unsigned memory, texture, framebuffer;
   glCreateMemoryObjectsEXT(1, &memory);
   glMemoryObjectParameterivEXT(memory, GL_DEDICATED_MEMORY_OBJECT, &yes);
   glImportMemoryFdEXT(memory, image->object.size, GL_HANDLE_TYPE_OPAQUE_FD, fd);
   glGenTextures(1, &texture);
   glBindTexture(GL_TEXTURE_2D, texture);
   glTexStorageMem2DEXT(GL_TEXTURE_2D, 1, GL_RGBA8, SHARED_WIDTH, SHARED_WIDTH, memory, 0);
   glGenFramebuffers(1, &framebuffer);
   glBindFramebuffer(GL_FRAMEBUFFER, framebuffer);
   glFramebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, texture, 0);
}

int main(void)
{
   struct side side;
   open_side(&side);
   struct shared_image image = create_shared_image(&side.gpu);
   allocate_shared(&side.gpu, &image.object, -1);
   OK(vkBindImageMemory(side.gpu.device, image.handle, image.object.memory, 0));
   fill_image(&side, &image, 2);
   printf("Vulkan has %08x\n", hash_image(&side, &image));
   open_opengl();
   need_sharing();
   import_texture(&image, export_memory(&side.gpu, image.object.memory));
   GL(void, glReadPixels, int, int, int, int, unsigned, unsigned, void *);
   GL(void, glClearColor, float, float, float, float);
   GL(void, glClear, unsigned);
   GL(void, glFinish, void);
   GL(unsigned, glGetError, void);
   glReadPixels(0, 0, SHARED_WIDTH, SHARED_WIDTH, GL_RGBA, GL_UNSIGNED_BYTE, side.staging.data);
   printf("OpenGL sees %08x\n", hash_staging(&side, (VkDeviceSize)SHARED_WIDTH * SHARED_WIDTH * 4));
   glClearColor(0.2f, 0.4f, 0.6f, 0.8f);
   glClear(GL_COLOR_BUFFER_BIT);
   glFinish();
   NEED(glGetError() == 0);
   printf("Vulkan sees %08x\n", hash_image(&side, &image));
   return 0;
}
