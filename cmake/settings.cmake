# SPDX-License-Identifier: Apache-2.0
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")  # With -O3, a fifth more to compile, bench_simulate is no faster; linear algebra (search) has it.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

# What every target of ours is compiled with.
add_library(tune_settings INTERFACE)
target_include_directories(tune_settings INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
target_compile_options(tune_settings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Werror
  -fstack-protector-strong -fno-math-errno
  # GCC 12 sees uninitialised members in optionals of variants, and overlapping copies in string + string, where there are none.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized> $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
target_compile_definitions(tune_settings INTERFACE TUNE_VERSION="${PROJECT_VERSION}" _GLIBCXX_ASSERTIONS
  $<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
target_link_options(tune_settings INTERFACE -Wl,-z,relro,-z,now)

if(TUNE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(TUNE_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
    # Half of the code, and so of the time: a null pointer that is used ends the program anyway, with a stack, and x86 does not
    # mind where things lie.
    -fno-sanitize=null,alignment
    # Checks that GCC has not: of functions' types, which clang 14 cannot assemble for coroutines ("difference across sections"),
    # and of null pointers that are counted from, as Eigen does with parts of an empty matrix.
    $<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=function,pointer-overflow>)
  add_link_options(-fsanitize=address,undefined)
elseif(TUNE_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  # The sanitizer cannot see fences; without them Asio synchronises by its mutexes alone.
  add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
  add_link_options(-fsanitize=thread)
elseif(TUNE_SANITIZE)
  message(FATAL_ERROR "TUNE_SANITIZE is '${TUNE_SANITIZE}', not address or thread")
endif()

# Sources compiled several at once (CMAKE_UNITY_BUILD) take a third of the time. What one source hides from another is in view
# there, so a local name may be that of a constant elsewhere, and private types look as if a header had them.
if(CMAKE_UNITY_BUILD)
  target_compile_options(tune_settings INTERFACE -Wno-shadow $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endif()

# tune_folder(NAME [DEPENDS libraries] [ALONE sources]): the static library of one folder, from all its sources. ALONE: those
# that are always compiled by themselves, because others have private names like theirs.
function(tune_folder name)
  cmake_parse_arguments(FOLDER "" "" "DEPENDS;ALONE" ${ARGN})
  set_source_files_properties(${FOLDER_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  if(sources)
    add_library(tune_${name} STATIC ${sources})
    target_link_libraries(tune_${name} PUBLIC $<BUILD_INTERFACE:tune_settings> ${FOLDER_DEPENDS})
  else()
    add_library(tune_${name} INTERFACE)
    target_link_libraries(tune_${name} INTERFACE $<BUILD_INTERFACE:tune_settings> ${FOLDER_DEPENDS})
  endif()
endfunction()
