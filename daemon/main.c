#include "daemon/system.h"

int main(int argc, char **argv)
{
	return cloisterd_main(argc, argv, &cloister_system);
}
