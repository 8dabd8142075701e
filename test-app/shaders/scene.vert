/* SPDX-License-Identifier: MIT */
#version 450
layout(location = 0) in vec3 position;
layout(location = 1) in vec3 normal;
layout(location = 2) in vec2 coordinate;
layout(location = 0) out vec3 world_normal;
layout(location = 1) out vec2 texture_coordinate;
layout(set = 0, binding = 0) uniform Frame { mat4 view_projection; vec4 light; };
layout(push_constant) uniform Object { mat4 model; vec4 tint; };
void main()
{
   world_normal = mat3(model) * normal;
   texture_coordinate = coordinate;
   /* tint.a 0 marks an object that is given in clip space and drawn unlit */
   vec4 place = model * vec4(position, 1.0);
   gl_Position = tint.a > 0.0 ? view_projection * place : place;
}
