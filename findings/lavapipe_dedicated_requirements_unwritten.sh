#!/bin/bash
# SPDX-License-Identifier: MIT
# Mesa 25.0.7, lavapipe (Debian 13; that of Debian 12, 22.3.6, does the same): vkGetDeviceBufferMemoryRequirements and
# vkGetDeviceImageMemoryRequirements leave a VkMemoryDedicatedRequirements in their chain as it was, where the calls for
# a buffer or an image that is there say "neither preferred nor required". Vulkan wants the same answer of both. So a
# program that does not clear the struct before, as nobody need, reads in it whatever was there.
#
# Seen: of two structs, filled with VK_FALSE and with VK_TRUE, the object's call writes both, the device's call neither;
# size, alignment and memory types are the same. Fails when that changes.
set -euo pipefail

packages=(mesa-vulkan-drivers=25.0.7-2+deb13u1 libvulkan1=1.4.309.0-1 libvulkan-dev=1.4.309.0-1)

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# Debian 13's packages and all that they need, its libc, too: for APT nothing is installed yet.
mkdir -p apt/lists/partial apt/archives/partial
touch apt/status
echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main' \
   >apt/sources.list
cat >apt/conf <<END
Dir::State "$folder/apt";
Dir::State::status "$folder/apt/status";
Dir::Cache "$folder/apt";
Dir::Etc::sourcelist "$folder/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Architecture "amd64";
APT::Architectures {"amd64";};
APT::Sandbox::User "root";
Acquire::Languages "none";
END
export APT_CONFIG=$folder/apt/conf
apt-get -qq update
apt-get -qq -y -d --no-install-recommends install "${packages[@]}" >/dev/null
for package in apt/archives/*.deb; do
   dpkg-deb -x "$package" root
done
libraries=$folder/root/usr/lib/x86_64-linux-gnu

# in_13 PROGRAM ARGUMENT...: runs it with Debian 13's libraries.
in_13() {
   root/usr/lib64/ld-linux-x86-64.so.2 --library-path "$libraries" "$@"
}

cat >dedicated.c <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <vulkan/vulkan.h>

static VkDevice device;

static void check(VkResult result, const char *what)
{
   if (result != VK_SUCCESS) {
      fprintf(stderr, "%s: VkResult %d\n", what, result);
      exit(1);
   }
}

static void open_device(void)
{
   const VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                          .apiVersion = VK_API_VERSION_1_3};
   const VkInstanceCreateInfo instance_info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                               .pApplicationInfo = &application};
   const float priority = 1;
   const VkDeviceQueueCreateInfo queue_info = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1,
                                               .pQueuePriorities = &priority};
   const VkPhysicalDeviceVulkan13Features features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES,
                                                      .maintenance4 = VK_TRUE};
   const VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .pNext = &features,
                                    .queueCreateInfoCount = 1, .pQueueCreateInfos = &queue_info};
   VkPhysicalDeviceDriverProperties driver = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
   VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                             .pNext = &driver};
   VkInstance instance;
   VkPhysicalDevice gpu;
   uint32_t count = 1;

   check(vkCreateInstance(&instance_info, NULL, &instance), "instance");
   check(vkEnumeratePhysicalDevices(instance, &count, &gpu), "GPU");
   vkGetPhysicalDeviceProperties2(gpu, &properties);
   printf("%s, %s\n", driver.driverName, driver.driverInfo);
   check(vkCreateDevice(gpu, &info, NULL, &device), "device");
}

/* What a call writes to a struct that is filled with `before`. */
struct answer {
   VkMemoryDedicatedRequirements dedicated;
   VkMemoryRequirements2 all;
};

static void prepare(struct answer *answer, VkBool32 before)
{
   answer->dedicated = (VkMemoryDedicatedRequirements){.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS,
                                                       .prefersDedicatedAllocation = before,
                                                       .requiresDedicatedAllocation = before};
   answer->all = (VkMemoryRequirements2){.sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2, .pNext = &answer->dedicated};
}

static void show(const char *what, VkBool32 before, const struct answer *object, const struct answer *device_answer)
{
   const VkMemoryRequirements *a = &object->all.memoryRequirements, *b = &device_answer->all.memoryRequirements;

   printf("%s, %u before: %u %u from the object, %u %u from the device; the rest is %s\n", what, before,
          object->dedicated.prefersDedicatedAllocation, object->dedicated.requiresDedicatedAllocation,
          device_answer->dedicated.prefersDedicatedAllocation, device_answer->dedicated.requiresDedicatedAllocation,
          a->size == b->size && a->alignment == b->alignment && a->memoryTypeBits == b->memoryTypeBits ? "the same"
                                                                                                       : "different");
}

static void ask_about_buffer(VkBool32 before)
{
   const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 4096,
                                    .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT};
   VkBufferMemoryRequirementsInfo2 object_info = {.sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_REQUIREMENTS_INFO_2};
   const VkDeviceBufferMemoryRequirements device_info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_BUFFER_MEMORY_REQUIREMENTS, .pCreateInfo = &info};
   struct answer of_object, of_device;

   check(vkCreateBuffer(device, &info, NULL, &object_info.buffer), "buffer");
   prepare(&of_object, before);
   prepare(&of_device, before);
   vkGetBufferMemoryRequirements2(device, &object_info, &of_object.all);
   vkGetDeviceBufferMemoryRequirements(device, &device_info, &of_device.all);
   show("buffer", before, &of_object, &of_device);
}

static void ask_about_image(VkBool32 before)
{
   const VkImageCreateInfo info = {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO, .imageType = VK_IMAGE_TYPE_2D,
                                   .format = VK_FORMAT_R8G8B8A8_UNORM, .extent = {16, 16, 1}, .mipLevels = 1,
                                   .arrayLayers = 1, .samples = VK_SAMPLE_COUNT_1_BIT,
                                   .usage = VK_IMAGE_USAGE_SAMPLED_BIT};
   VkImageMemoryRequirementsInfo2 object_info = {.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_REQUIREMENTS_INFO_2};
   const VkDeviceImageMemoryRequirements device_info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_IMAGE_MEMORY_REQUIREMENTS, .pCreateInfo = &info};
   struct answer of_object, of_device;

   check(vkCreateImage(device, &info, NULL, &object_info.image), "image");
   prepare(&of_object, before);
   prepare(&of_device, before);
   vkGetImageMemoryRequirements2(device, &object_info, &of_object.all);
   vkGetDeviceImageMemoryRequirements(device, &device_info, &of_device.all);
   show("image", before, &of_object, &of_device);
}

int main(void)
{
   open_device();
   for (VkBool32 before = VK_FALSE; before <= VK_TRUE; before++) {
      ask_about_buffer(before);
      ask_about_image(before);
   }
}
END
gcc -O1 -Wall -I root/usr/include -o dedicated dedicated.c -L "$libraries" -l:libvulkan.so.1 -Wl,--allow-shlib-undefined

sed "s|\"library_path\": *\"[^\"]*\"|\"library_path\": \"$libraries/libvulkan_lvp.so\"|" \
   root/usr/share/vulkan/icd.d/lvp_icd.json >lvp.json
VK_DRIVER_FILES=$PWD/lvp.json in_13 ./dedicated | tee seen
diff <(tail -n +2 seen) - <<'END'
buffer, 0 before: 0 0 from the object, 0 0 from the device; the rest is the same
image, 0 before: 0 0 from the object, 0 0 from the device; the rest is the same
buffer, 1 before: 0 0 from the object, 1 1 from the device; the rest is the same
image, 1 before: 0 0 from the object, 1 1 from the device; the rest is the same
END
