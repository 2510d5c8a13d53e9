#include "run/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#define BACKLOG 8

/* /proc/self/fd/N/NAME names the same file by a short path. */
static void address_make(int folder, const char *name, struct sockaddr_un *ret_address)
{
	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(ret_address->sun_path, sizeof ret_address->sun_path, "/proc/self/fd/%d/%s", folder,
		 name);
}

int socket_listen(int folder, const char *name, struct err *err)
{
	struct sockaddr_un address;
	CLEANUP(fd_cleanup) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	address_make(folder, name, &address);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
	    listen(fd, BACKLOG) < 0)
		return err_errno(err, errno, "%s: cannot be made", name);
	return fd_take(&fd);
}

int socket_connect(const char *folder, const char *name, struct err *err)
{
	struct sockaddr_un address;
	CLEANUP(fd_cleanup) int base = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(fd_cleanup) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (base < 0 || fd < 0)
		return err_errno(err, errno, "%s", folder);
	address_make(base, name, &address);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return err_errno(err, errno, "%s/%s: cannot be reached", folder, name);
	return fd_take(&fd);
}
