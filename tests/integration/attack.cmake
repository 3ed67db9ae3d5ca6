# The agent, taken over: it attacks what it should not reach. test_sandbox.py runs it.
add_executable(compromised ${PROJECT_SOURCE_DIR}/agent/main.c ${CMAKE_CURRENT_LIST_DIR}/attack.c)
target_link_libraries(compromised PRIVATE agent_core)
target_link_options(compromised PRIVATE LINKER:--wrap=journal_published)
