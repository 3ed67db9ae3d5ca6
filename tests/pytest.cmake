# pytest_test(GROUP FILE): the CTest test GROUP.NAME runs the calling folder's test_NAME.py.
# pytest_tests(GROUP): that for every test_*.py of the folder.
#
# The test finds the programs in its environment: AGENT and FAKE_CONNECT, ENV_TOOL, PUBLISH_TOOL and
# FAIL_ALLOCATION, COMPROMISED where these targets exist (env-tool, publish-tool, fail-allocation, compromised), and SANITIZE, empty in a build without.

function(has_pytest ret_is_good candidate)
  execute_process(COMMAND ${candidate} -c "import pytest" RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
  if(NOT status EQUAL 0)
    set(${ret_is_good} FALSE PARENT_SCOPE)
  endif()
endfunction()

# The distribution's Python first: it is the one that the distribution's pytest belongs to.
find_program(PYTEST_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH VALIDATOR has_pytest)
find_program(PYTEST_PYTHON python3 VALIDATOR has_pytest)
if(NOT PYTEST_PYTHON)
  message(FATAL_ERROR "no Python 3 with pytest: apt-get install python3-pytest, or -D BUILD_TESTING=OFF")
endif()

function(pytest_test group file)
  string(REGEX REPLACE "^test_|\\.py$" "" name ${file})
  set(environment "SANITIZE=${SANITIZE}" PYTHONDONTWRITEBYTECODE=1)
  foreach(pair AGENT:connect-agent FAKE_CONNECT:fake-connect ENV_TOOL:env-tool PUBLISH_TOOL:publish-tool
      FAIL_ALLOCATION:fail-allocation COMPROMISED:compromised)
    string(REPLACE ":" ";" pair ${pair})
    list(GET pair 0 variable)
    list(GET pair 1 target)
    set(exists "$<TARGET_EXISTS:${target}>")
    # Without the target, a repeated setting: an empty argument would be taken for the command.
    list(APPEND environment
      "$<${exists}:${variable}=$<TARGET_FILE:${target}>>$<$<NOT:${exists}>:PYTHONDONTWRITEBYTECODE=1>")
  endforeach()
  add_test(NAME ${group}.${name}
    COMMAND ${CMAKE_COMMAND} -E env "${environment}"
      ${PYTEST_PYTHON} -m pytest -q -rs -p no:cacheprovider ${CMAKE_CURRENT_SOURCE_DIR}/${file}
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    COMMAND_EXPAND_LISTS)
  set_tests_properties(${group}.${name} PROPERTIES TIMEOUT 600)
endfunction()

# long_tests(SECONDS NAME...): about how long these take. CTest begins with the longest, so that none of them is left to run
# alone in the end; it knows by itself only what it has run in the same build directory.
function(long_tests seconds)
  set_tests_properties(${ARGN} PROPERTIES COST ${seconds})
endfunction()

function(pytest_tests group)
  file(GLOB files RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} CONFIGURE_DEPENDS test_*.py)
  foreach(file ${files})
    pytest_test(${group} ${file})
  endforeach()
endfunction()
