# How the static preset finds its libraries: archives only, those that dependencies.sh built before Debian's.
if(NOT EXISTS ${STATIC_DEPENDENCIES}/versions)
  message(FATAL_ERROR "no libraries in ${STATIC_DEPENDENCIES}: run deploy/static/build.sh, "
    "or deploy/static/dependencies.sh and -D STATIC_DEPENDENCIES=ITS-PREFIX")
endif()
set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
list(PREPEND CMAKE_PREFIX_PATH ${STATIC_DEPENDENCIES}) # pkg-config looks there first
set(PKG_CONFIG_ARGN --static)

# No times, owners or modes in archives, whatever this ar's default is.
set(CMAKE_C_ARCHIVE_CREATE "<CMAKE_AR> qcD <TARGET> <LINK_FLAGS> <OBJECTS>")
set(CMAKE_C_ARCHIVE_APPEND "<CMAKE_AR> qD <TARGET> <LINK_FLAGS> <OBJECTS>")
set(CMAKE_C_ARCHIVE_FINISH "<CMAKE_RANLIB> -D <TARGET>")
