# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# BPF programs: X.bpf.c -> X.bpf.o (clang) -> X.skel.h (bpftool), one interface library per group.

find_program(SIDESTEP_CLANG NAMES clang clang-19 clang-16 clang-14 REQUIRED)
find_program(SIDESTEP_BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)
set(SIDESTEP_BPF_FLAGS -target bpf -mcpu=v3 -O2 -g -std=gnu11 -Wall -Wextra -Werror -Wno-unused-parameter
    CACHE STRING "How BPF programs are compiled")

# sidestep_bpf(<target> <file>.bpf.c...)
# Who links <target> includes "<folder from the root>/<file>.skel.h", whose type is <file>_bpf, and gets libbpf.
function(sidestep_bpf target)
  cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE folder)
  set(dir ${CMAKE_BINARY_DIR}/skel/${folder})
  file(MAKE_DIRECTORY ${dir})
  set(headers)
  foreach(source ${ARGN})
    cmake_path(ABSOLUTE_PATH source NORMALIZE OUTPUT_VARIABLE input)
    cmake_path(GET source FILENAME file)
    string(REGEX REPLACE "\\.bpf\\.c$" "" name ${file})
    string(MAKE_C_IDENTIFIER ${name}_bpf identifier)
    set(object ${dir}/${name}.bpf.o)
    set(header ${dir}/${name}.skel.h)
    add_custom_command(
      OUTPUT ${object}
      COMMAND ${SIDESTEP_CLANG} ${SIDESTEP_BPF_FLAGS} -I${CMAKE_SOURCE_DIR}
              -idirafter /usr/include/${CMAKE_LIBRARY_ARCHITECTURE} -MD -MF ${object}.d -MT ${object} -c ${input} -o ${object}
      DEPENDS ${input}
      DEPFILE ${object}.d
      COMMENT "Building BPF object ${name}.bpf.o"
      VERBATIM)
    add_custom_command(
      OUTPUT ${header}
      COMMAND sh -c "\"$1\" gen skeleton \"$2\" name \"$3\" > \"$4.tmp\" && mv \"$4.tmp\" \"$4\"" sh
              ${SIDESTEP_BPFTOOL} ${object} ${identifier} ${header}
      DEPENDS ${object}
      VERBATIM)
    list(APPEND headers ${header})
  endforeach()
  add_custom_target(${target}_skeletons DEPENDS ${headers})
  add_library(${target} INTERFACE)
  add_dependencies(${target} ${target}_skeletons)
  target_include_directories(${target} SYSTEM INTERFACE ${CMAKE_BINARY_DIR}/skel)
  target_link_libraries(${target} INTERFACE PkgConfig::LIBBPF)
endfunction()
