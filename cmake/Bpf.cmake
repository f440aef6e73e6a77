# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# BPF programs: X.bpf.c -> X.bpf.o (clang) -> X.skel.h (bpftool), one interface library per group.

find_program(SIDESTEP_CLANG NAMES clang clang-19 clang-16 clang-14 REQUIRED)
find_program(SIDESTEP_BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)
set(SIDESTEP_BPF_FLAGS -target bpf -mcpu=v3 -O2 -g -std=gnu11 -Wall -Wextra -Werror -Wno-unused-parameter
    CACHE STRING "How BPF programs are compiled")

# The folder that this directory's objects and skeletons go to, in <out>.
function(_sidestep_bpf_folder out)
  cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE folder)
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/skel/${folder})
  set(${out} ${CMAKE_BINARY_DIR}/skel/${folder} PARENT_SCOPE)
endfunction()

# Compiles <source>; the object's path goes to <out>, its name without .bpf.c to <out>_name.
function(_sidestep_bpf_object source out)
  _sidestep_bpf_folder(dir)
  cmake_path(ABSOLUTE_PATH source NORMALIZE OUTPUT_VARIABLE input)
  cmake_path(GET source FILENAME file)
  string(REGEX REPLACE "\\.bpf\\.c$" "" name ${file})
  string(REPLACE "/" "_" object ${source})  # several folders may have a file of the same name
  string(REGEX REPLACE "c$" "o" object ${dir}/${object})
  add_custom_command(
    OUTPUT ${object}
    COMMAND ${SIDESTEP_CLANG} ${SIDESTEP_BPF_FLAGS} -I${CMAKE_SOURCE_DIR}
            -idirafter /usr/include/${CMAKE_LIBRARY_ARCHITECTURE} -MD -MF ${object}.d -MT ${object} -c ${input} -o ${object}
    DEPENDS ${input}
    DEPFILE ${object}.d
    COMMENT "Building BPF object of ${source}"
    VERBATIM)
  set(${out} ${object} PARENT_SCOPE)
  set(${out}_name ${name} PARENT_SCOPE)
endfunction()

# Makes the skeleton <name>.skel.h of <object>; its path goes to <out>.
function(_sidestep_bpf_skeleton object name out)
  _sidestep_bpf_folder(dir)
  set(header ${dir}/${name}.skel.h)
  string(MAKE_C_IDENTIFIER ${name}_bpf identifier)
  add_custom_command(
    OUTPUT ${header}
    COMMAND sh -c "\"$1\" gen skeleton \"$2\" name \"$3\" > \"$4.tmp\" && mv \"$4.tmp\" \"$4\"" sh
            ${SIDESTEP_BPFTOOL} ${object} ${identifier} ${header}
    DEPENDS ${object}
    VERBATIM)
  set(${out} ${header} PARENT_SCOPE)
endfunction()

add_custom_target(skeletons)  # all of them: what the sources need before anything reads them

# What links <target> finds the skeletons and libbpf.
function(_sidestep_bpf_library target)
  add_custom_target(${target}_skeletons DEPENDS ${ARGN})
  add_dependencies(skeletons ${target}_skeletons)
  add_library(${target} INTERFACE)
  add_dependencies(${target} ${target}_skeletons)
  target_include_directories(${target} SYSTEM INTERFACE ${CMAKE_BINARY_DIR}/skel)
  target_link_libraries(${target} INTERFACE PkgConfig::LIBBPF)
endfunction()

# sidestep_bpf(<target> <file>.bpf.c...)
# Who links <target> includes "<folder from the root>/<file>.skel.h", whose type is <file>_bpf, and gets libbpf.
function(sidestep_bpf target)
  set(headers)
  foreach(source ${ARGN})
    _sidestep_bpf_object(${source} object)
    _sidestep_bpf_skeleton(${object} ${object_name} header)
    list(APPEND headers ${header})
  endforeach()
  _sidestep_bpf_library(${target} ${headers})
endfunction()

# sidestep_bpf_linked(<target> <name> <file>.bpf.c...)
# The same for several files linked into one object that share their maps: "<folder>/<name>.skel.h", type <name>_bpf.
function(sidestep_bpf_linked target name)
  _sidestep_bpf_folder(dir)
  set(objects)
  foreach(source ${ARGN})
    _sidestep_bpf_object(${source} object)
    list(APPEND objects ${object})
  endforeach()
  set(linked ${dir}/${name}.linked.o)
  add_custom_command(OUTPUT ${linked} COMMAND ${SIDESTEP_BPFTOOL} gen object ${linked} ${objects} DEPENDS ${objects} VERBATIM)
  _sidestep_bpf_skeleton(${linked} ${name} header)
  _sidestep_bpf_library(${target} ${header})
endfunction()
