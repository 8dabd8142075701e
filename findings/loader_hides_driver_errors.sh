#!/bin/bash
# SPDX-License-Identifier: MIT
# Vulkan loader 1.3.239 (Debian 12): what a driver's vkCreateInstance returns does not reach the application. Beside
# another driver the call succeeds, and the program runs with whatever GPU that has, without a word; alone every error
# becomes VK_ERROR_INCOMPATIBLE_DRIVER (-9). So a driver that cannot do its work and says so, as with
# VK_ERROR_INITIALIZATION_FAILED, is not heard. (VK_ERROR_OUT_OF_HOST_MEMORY is treated otherwise; it is not tried
# here.)
#
# Seen: with two drivers of a few lines, of which one fails with the error in the left column: first beside the other in
# both orders, then alone. Fails when that changes.
set -euo pipefail

packages=(libvulkan1=1.3.239.0-1 libvulkan-dev=1.3.239.0-1)

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}"
for package in *.deb; do
   dpkg-deb -x "$package" root
done
cat >driver.c <<'END'
#include <stdlib.h>
#include <string.h>
#include <vulkan/vk_icd.h>

static VK_LOADER_DATA instance;

static VkResult create(const VkInstanceCreateInfo *info, const VkAllocationCallbacks *callbacks, VkInstance *out)
{
   (void)info, (void)callbacks;
   instance.loaderMagic = ICD_LOADER_MAGIC;
   *out = (VkInstance)&instance;
   return FAILS ? (VkResult)atoi(getenv("RESULT")) : VK_SUCCESS;
}

static void destroy(VkInstance handle, const VkAllocationCallbacks *callbacks)
{
   (void)handle, (void)callbacks;
}

static VkResult list_gpus(VkInstance handle, uint32_t *count, VkPhysicalDevice *gpus)
{
   (void)handle, (void)gpus;
   *count = 0;
   return VK_SUCCESS;
}

static VkResult list_extensions(const char *layer, uint32_t *count, VkExtensionProperties *properties)
{
   (void)layer, (void)properties;
   *count = 0;
   return VK_SUCCESS;
}

static void other(void)
{
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vk_icdGetInstanceProcAddr(VkInstance handle, const char *name)
{
   (void)handle;
   if (!strcmp(name, "vkCreateInstance"))
      return (PFN_vkVoidFunction)create;
   if (!strcmp(name, "vkDestroyInstance"))
      return (PFN_vkVoidFunction)destroy;
   if (!strcmp(name, "vkEnumeratePhysicalDevices"))
      return (PFN_vkVoidFunction)list_gpus;
   if (!strcmp(name, "vkEnumerateInstanceExtensionProperties"))
      return (PFN_vkVoidFunction)list_extensions;
   return (PFN_vkVoidFunction)other;
}

VKAPI_ATTR VkResult VKAPI_CALL vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version)
{
   *version = *version < 5 ? *version : 5;
   return VK_SUCCESS;
}
END
cat >program.c <<'END'
#include <stdio.h>
#include <vulkan/vulkan.h>

int main(void)
{
   const VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
   VkInstance instance;

   printf("%d", vkCreateInstance(&info, NULL, &instance));
   return 0;
}
END
libraries=$folder/root/usr/lib/x86_64-linux-gnu
for driver in good bad; do
   gcc -shared -fPIC -DFAILS="$([[ $driver == bad ]] && echo 1 || echo 0)" -Iroot/usr/include driver.c -o "$driver.so"
   printf '{"file_format_version": "1.0.0", "ICD": {"library_path": "%s", "api_version": "1.0.0"}}\n' \
      "$folder/$driver.so" >"$driver.json"
done
gcc -Iroot/usr/include program.c -o program -L"$libraries" -l:libvulkan.so.1

# with MANIFESTS RESULT
with() {
   env -i LD_LIBRARY_PATH="$libraries" VK_DRIVER_FILES="$1" VK_LOADER_LAYERS_DISABLE='*' RESULT="$2" ./program
}

for result in -2 -3 -4 -7 -13; do
   echo "$result: $(with good.json:bad.json $result) $(with bad.json:good.json $result), $(with bad.json $result)"
done | tee seen
diff seen - <<'END'
-2: 0 0, -9
-3: 0 0, -9
-4: 0 0, -9
-7: 0 0, -9
-13: 0 0, -9
END
