/* The settings of the agent in an installed system. */
#pragma once

#define AGENT_CONF     "/etc/nestctl/agent.conf"
#define CONF_MAX_BYTES (1u << 20)
