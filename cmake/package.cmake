# SPDX-License-Identifier: Apache-2.0
# `cmake --install`: the program, and what `find_package(tune)` needs to build a program with its own trainables:
#
#   find_package(tune REQUIRED)
#   target_link_libraries(my_tuner PRIVATE tune::tune)
#
# or a trial of several ranks, with tune::communicator and <tune/communicator.hpp>.
#
# Headers keep their folders under include/tune, and both include and include/tune are on the include path: <tune/tune.hpp>,
# and "tuner/trainable.hpp" as in the tree.
include(CMakePackageConfigHelpers)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/tune)
set(package_targets tune_core tune_search tune_schedulers tune_executors tune_store tune_api tune_communicator)

add_library(tune::tune ALIAS tune_api)
set_target_properties(tune_api PROPERTIES EXPORT_NAME tune)
add_library(tune::communicator ALIAS tune_communicator)
set_target_properties(tune_communicator PROPERTIES EXPORT_NAME communicator)
foreach(target ${package_targets})
  get_target_property(kind ${target} TYPE)
  if(kind STREQUAL "INTERFACE_LIBRARY")
    set(scope INTERFACE)
  else()
    set(scope PUBLIC)
  endif()
  target_compile_features(${target} ${scope} cxx_std_20)
endforeach()

install(TARGETS ${package_targets} EXPORT tune-targets
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} ${CMAKE_INSTALL_INCLUDEDIR}/tune)
install(EXPORT tune-targets NAMESPACE tune:: DESTINATION ${package_folder})
file(WRITE ${PROJECT_BINARY_DIR}/tune.hpp "// SPDX-License-Identifier: Apache-2.0\n#pragma once\n#include \"ui/api/tune.hpp\"\n")
install(FILES ${PROJECT_BINARY_DIR}/tune.hpp ui/api/reporter.hpp ui/communicator/communicator.hpp
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tune)
install(FILES ui/python/tune.py ui/metrics/grafana.json ui/metrics/alerts.yml DESTINATION ${CMAKE_INSTALL_DATADIR}/tune)
install(DIRECTORY tuner DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tune FILES_MATCHING PATTERN "*.hpp")
install(DIRECTORY ui/api DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tune/ui FILES_MATCHING PATTERN "*.hpp"
  PATTERN reporter.hpp EXCLUDE)  # Stands alone, as <tune/reporter.hpp>.
if(TARGET tune)
  install(TARGETS tune)
endif()

configure_package_config_file(cmake/tune-config.cmake.in tune-config.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(tune-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/tune-config.cmake ${PROJECT_BINARY_DIR}/tune-config-version.cmake DESTINATION ${package_folder})
