#include "tty.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <termios.h>

#define SYSLOG_ACTION_CONSOLE_LEVEL 8 /* syslog(2) */

int tty_open(const char *path)
{
	int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct termios modes;

	if (fd < 0)
		return -errno;
	if (tcgetattr(fd, &modes) < 0)
		return fd;
	cfmakeraw(&modes);
	modes.c_cflag |= CLOCAL | CREAD;
	modes.c_cc[VMIN] = 1;
	modes.c_cc[VTIME] = 0;
	cfsetispeed(&modes, B115200);
	cfsetospeed(&modes, B115200);
	tcsetattr(fd, TCSANOW, &modes);
	return fd;
}

int tty_unsent(int fd)
{
	int bytes = 0;

	return ioctl(fd, TIOCOUTQ, &bytes) < 0 ? 0 : bytes;
}

void kernel_console_level(int level)
{
	klogctl(SYSLOG_ACTION_CONSOLE_LEVEL, (char *)0, level);
}
